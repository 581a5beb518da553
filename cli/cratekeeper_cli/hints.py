"""What a person can do about a refusal of the server: one row per problem code."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from cratekeeper_cli import text
from cratekeeper_cli.answers import Fields
from cratekeeper_cli.errors import ApiProblem, CliError
from cratekeeper_cli.exits import Exit


def _watch_the_other(problem: Fields) -> str | None:
    known = problem.text("download_id")
    return f"it is on its way already; watch it with: cratekeeper watch {known}" if known else None


def _wait_for_reset(problem: Fields) -> str:
    used, limit = problem.integer("used"), problem.integer("limit")
    counted = "" if limit is None else f"{used if used is not None else limit} of {limit} used; "
    at = problem.time("resets_at")
    until = f"free again at {text.moment(at)}" if at else "free again when a download ends"
    return f"{counted}{until}; see: cratekeeper limits"


_HINTS: Final = MappingProxyType[str, Callable[[Fields], str | None]]({
    "already_queued": _watch_the_other,
    "already_in_catalog": lambda _: "to fetch it again all the same, add --force",
    "daily_limit_reached": _wait_for_reset,
    "queue_limit_reached": _wait_for_reset,
    "provider_not_configured": lambda _: "the server has no downloader service (ProviderUrl)",
})


def hint_for(error: CliError) -> str | None:
    """What to do about `error`: its own hint, or the one for its code or its kind."""
    if error.hint is not None or not isinstance(error, ApiProblem):
        return error.hint
    known = _HINTS.get(error.code)
    return known(Fields(error.problem)) if known else _by_exit_code(error.exit_code)


def _by_exit_code(exit_code: int) -> str | None:
    if exit_code == Exit.DENIED:
        return "log in with another key: cratekeeper login"
    if exit_code == Exit.NOT_FOUND:
        return "list your downloads with: cratekeeper downloads"
    return None
