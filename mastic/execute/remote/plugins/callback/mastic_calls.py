"""Callback: hosts that ansible-core could not call at all are told to the carrier's parent; nothing is printed."""

from __future__ import annotations

from typing import Any

from ansible.plugins.callback import CallbackBase

from mastic.execute.remote.answers import tell

DOCUMENTATION = """
name: mastic_calls
type: stdout
short_description: tells mastic which hosts could not be called
description: Nothing is printed.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Named so that ansible-core finds it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "mastic_calls"

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        tell(host=result.host.get_name(), message=str(result.result.get("msg", "failed")))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        tell(host=result.host.get_name(), message=str(result.result.get("msg", "unreachable")))
