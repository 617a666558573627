"""What templates see under one name: values known now, and values worked out when a template asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


class Scope(Mapping[str, Any]):
    """A read-only mapping with a label for error messages, e.g. `settings` or `bindings.sql`."""

    def __init__(
        self, label: str, values: Mapping[str, Any], later: Mapping[str, Callable[[], Any]] | None = None
    ) -> None:
        self.label = label
        self._values = dict(values)
        self._later = dict(later or {})

    def __getitem__(self, key: str) -> Any:
        if key not in self._values and key in self._later:
            self._values[key] = self._later[key]()
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._values or key in self._later

    def __iter__(self) -> Iterator[str]:
        yield from self._values if not self._later else list(dict.fromkeys((*self._values, *self._later)))

    def __len__(self) -> int:
        return len(self._values.keys() | self._later.keys())

    def __repr__(self) -> str:
        return f"Scope({self.label}: {', '.join(self)})"


def plain(value: Any) -> Any:
    """The same value out of dictionaries and lists only."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value
