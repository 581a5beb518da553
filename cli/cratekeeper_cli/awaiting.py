"""Waiting for the run of a background job to end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from cratekeeper_cli import text
from cratekeeper_cli.answers import Fields, Json, items_of
from cratekeeper_cli.errors import CliError, RunGoesOn
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.tree import Run
from cratekeeper_cli.watching import FASTEST_S, SLOWER, SLOWEST_S, may_pass, pause_s

if TYPE_CHECKING:
    from cratekeeper_cli.client import Api

_EACH_S: Final = 30.0
_PAGE: Final = 200


def await_run(run: Run, api: "Api", job_id: str, run_id: str) -> Json:
    """The run once it has ended; a line that breaks is waited for. Raises RunGoesOn after Ctrl-C."""
    try:
        with _progress(run, job_id) as show:
            return _until_ended(run, lambda: _look(api, job_id, run_id), show)
    except KeyboardInterrupt:
        raise RunGoesOn(job_id, run_id) from None


def _until_ended(run: Run, look: Callable[[], Json], show: Callable[[], None]) -> Json:
    wait_s, losses = FASTEST_S, 0
    while True:
        show()
        run.host.sleep(wait_s)
        try:
            found = look()
        except CliError as error:
            if not may_pass(error):
                raise
            losses += 1
            wait_s = pause_s(error, losses)
            run.out.note(f"trying again in {text.span(wait_s)}: {error.line}")
            continue
        if losses:
            run.out.note("the server answers again")
        if Fields(found).text("status") != "running":
            return found
        wait_s, losses = (FASTEST_S if losses else min(wait_s * SLOWER, SLOWEST_S)), 0


def _look(api: "Api", job_id: str, run_id: str) -> Json:
    """The run as it is now: the job's newest one, or in its history if others have begun since."""
    newest = Fields(api.get(f"/v1/admin/jobs/{job_id}")).inner("last_run")
    if newest and newest.text("run_id") == run_id:
        return newest.document
    for each in items_of(api.get(f"/v1/admin/jobs/{job_id}/history", {"limit": _PAGE})):
        if each.get("run_id") == run_id:
            return each
    raise CliError(f"the history of {job_id} has no run {run_id}", exit_code=Exit.FAILED, code="run_unknown")


@contextmanager
def _progress(run: Run, job_id: str) -> Iterator[Callable[[], None]]:
    """On a terminal a line that counts the seconds, else a line now and then; both on stderr."""
    console, began_s = run.out.stderr, run.host.monotonic()
    if console.is_terminal and not console.is_dumb_terminal:
        with console.status(f"{job_id} runs") as line:
            yield lambda: line.update(f"{job_id} runs, {text.span(run.host.monotonic() - began_s)}")
        return
    told_s = began_s

    def tell() -> None:
        nonlocal told_s
        now_s = run.host.monotonic()
        if now_s - told_s >= _EACH_S:
            told_s = now_s
            run.out.note(f"{job_id} runs, {text.span(now_s - began_s)}")

    yield tell
