"""How commands are found in a page."""

from __future__ import annotations

from tests.docs.shell_blocks import Block, is_shown, shell_blocks

PAGE = """# Page

```bash
mastic lint
echo two
```

Text, and no command:

```yaml
services: []
```

<!-- needs a running cloud -->
```sh
mastic apply
```

```console
$ mastic plan
Plan for `lab`: … steps
```
"""


def test_only_shell_blocks_are_commands() -> None:
    assert shell_blocks(PAGE) == [
        Block(4, "mastic lint\necho two\n"),
        Block(16, "mastic apply\n", needs_cloud=True),
        Block(20, "mastic plan\n", ("Plan for `lab`: … steps",)),
    ]


def test_ellipsis_in_shown_output_stands_for_anything() -> None:
    output = "first\n  Plan for `lab`: 14 steps\n"
    assert is_shown("Plan for `lab`: … steps", output)
    assert not is_shown("Plan for `lab`: … volumes", output)
    assert not is_shown("Plan for", output)
