"""Exit codes: what a script may rely on."""

from collections.abc import Iterable
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class Exit(IntEnum):
    """How a command ended. A number, once given, keeps its meaning."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    DENIED = 4
    NOT_FOUND = 5
    CONFLICT = 6
    LIMITED = 7
    INCOMPLETE = 8
    DETACHED = 130


MEANINGS: Final = MappingProxyType({
    Exit.OK: "done; with --wait and watch: the download, or the run of a job, is COMPLETED",
    Exit.FAILED: "the download or the run FAILED, or the server failed (5xx)",
    Exit.USAGE: "wrong usage, or input the server refuses (400, 413, 422)",
    Exit.UNREACHABLE: "nothing answers at the URL, or what answers is no Cratekeeper",
    Exit.DENIED: "not logged in, key not accepted, or not permitted (401, 403)",
    Exit.NOT_FOUND: "no such thing (404)",
    Exit.CONFLICT: "conflict (409): already queued, in the catalog, running or there; wrong state",
    Exit.LIMITED: "a limit is reached (429), also for some of several; the message says until when",
    Exit.INCOMPLETE: "the download was CANCELLED, or COMPLETED without all of its parts; or some of several failed",
    Exit.DETACHED: "interrupted with Ctrl-C; the download or the run goes on",
})

_BY_STATUS: Final = MappingProxyType({
    401: Exit.DENIED,
    403: Exit.DENIED,
    404: Exit.NOT_FOUND,
    409: Exit.CONFLICT,
    429: Exit.LIMITED,
})
_SERVER_ERRORS: Final = 500
_SEVERITY: Final = (Exit.OK, Exit.INCOMPLETE, Exit.FAILED)


def of_http_status(status: int) -> Exit:
    """The exit code for an HTTP error `status` (400 or more)."""
    if status >= _SERVER_ERRORS:
        return Exit.FAILED
    return _BY_STATUS.get(status, Exit.USAGE)


def of_outcomes(codes: Iterable[Exit]) -> Exit:
    """The exit code for several downloads that ended: the worst of theirs, OK for none."""
    return max(codes, key=_SEVERITY.index, default=Exit.OK)


def of_outcome(status: str, *, partial: bool) -> Exit:
    """The exit code for a download that ended in the terminal `status`."""
    if status == "COMPLETED":
        return Exit.INCOMPLETE if partial else Exit.OK
    return Exit.INCOMPLETE if status == "CANCELLED" else Exit.FAILED
