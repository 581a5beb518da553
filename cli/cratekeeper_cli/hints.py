"""What a person can do about a refusal of the server: one row per problem code."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from cratekeeper_cli import text
from cratekeeper_cli.answers import Fields
from cratekeeper_cli.errors import ApiProblem, CliError
from cratekeeper_cli.exits import Exit


def _watch_the_other(error: ApiProblem) -> str | None:
    known = Fields(error.problem).text("download_id")
    return f"it is on its way already; watch it with: cratekeeper watch {known}" if known else None


def _wait_for_reset(error: ApiProblem) -> str:
    problem = Fields(error.problem)
    used, limit = problem.integer("used"), problem.integer("limit")
    counted = "" if limit is None else f"{used if used is not None else limit} of {limit} used; "
    at = problem.time("resets_at")
    wait = f", in {text.span(error.retry_after_s)}" if error.retry_after_s else ""
    until = f"free again at {text.moment(at)}{wait}" if at else "free again when a download ends"
    return f"{counted}{until}; see: cratekeeper limits"


_HINTS: Final = MappingProxyType[str, Callable[[ApiProblem], str | None]]({
    "already_queued": _watch_the_other,
    "already_in_catalog": lambda _: "to fetch it again all the same, add --force",
    "daily_limit_reached": _wait_for_reset,
    "queue_limit_reached": _wait_for_reset,
    "idempotency_key_reused": lambda _: "another request took this --idempotency-key; choose a new one",
    "idempotency_in_progress": lambda _: "it is still at work; ask again with the same --idempotency-key",
    "job_running": lambda _: "one run of a job at a time; see how it goes with: cratekeeper admin jobs",
    "already_exists": lambda _: "to change a user: cratekeeper admin users change",
    "too_many_keys": lambda _: "revoke one first with: cratekeeper admin keys revoke",
    "provider_not_configured": lambda _: "the server has no downloader service (ProviderUrl)",
})


def hint_for(error: CliError) -> str | None:
    """What to do about `error`: its own hint, or the one for its code or its kind."""
    if error.hint is not None or not isinstance(error, ApiProblem):
        return error.hint
    known = _HINTS.get(error.code)
    return known(error) if known else (_try_again(error) or _by_exit_code(error.exit_code))


@contextmanager
def where_to_look(missing: str) -> Iterator[None]:
    """What is not found (404) here is no download: the hint for it is `missing`."""
    try:
        yield
    except ApiProblem as error:
        if error.exit_code == Exit.NOT_FOUND:
            error.hint = missing
        raise


def _try_again(error: ApiProblem) -> str | None:
    """What Retry-After asks for, in words."""
    return f"try again in {text.span(error.retry_after_s)}" if error.retry_after_s else None


def _by_exit_code(exit_code: int) -> str | None:
    if exit_code == Exit.DENIED:
        return "use a key that may: cratekeeper login; on a stack of your own: CRATEKEEPER_ROLE=admin"
    if exit_code == Exit.NOT_FOUND:
        return "list your downloads with: cratekeeper downloads"
    return None
