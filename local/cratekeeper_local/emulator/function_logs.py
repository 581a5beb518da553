"""What functions write: into one file each, and only the latest into the emulated CloudWatch Logs."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cratekeeper_local.emulator.internals import Internals

# The emulator opens a log stream for each invocation and keeps them all, in memory and in every save.
STREAMS_KEPT: Final = 20
_NAME: Final = re.compile(r"[^-]+-(?P<logical>\w+)-[0-9A-F]+")


def tee(emulator: Internals, folder: Path) -> Callable[..., None]:
    """A stand-in for the emulator's logger that also appends to `folder`/<function>.log."""
    store = emulator.log

    def log(func: dict[str, Any], request_id: str, text: str, *rest: object, **named: object) -> None:
        config = func.get("config") or func
        if text:
            with (folder / f"{_short(config['FunctionName'])}.log").open("a", encoding="utf-8") as file:
                file.write(text.rstrip("\n") + "\n")
        store(func, request_id, text, *rest, **named)
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        _trim(emulator.log_groups.get(group))

    return log


def _short(function_name: str) -> str:
    """The logical id of a function, from the physical name <stack>-<logical id>-<digits>."""
    match = _NAME.fullmatch(function_name)
    return match["logical"] if match else function_name


def _trim(group: dict[str, Any] | None) -> None:
    streams = group["streams"] if group else {}
    for oldest in list(streams)[:-STREAMS_KEPT]:
        streams.pop(oldest, None)
