"""Following a download to its end: picks the view, says how it ended, survives Ctrl-C."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cratekeeper_cli import rendering
from cratekeeper_cli.answers import Json
from cratekeeper_cli.bars import Bars
from cratekeeper_cli.errors import Detached
from cratekeeper_cli.exits import Exit, of_outcome, of_outcomes
from cratekeeper_cli.lines import Lines
from cratekeeper_cli.tree import Run
from cratekeeper_cli.watching import Seen, Watch

if TYPE_CHECKING:
    from cratekeeper_cli.client import Api


def follow(run: Run, api: "Api", download_id: str, *, known_to_exist: bool = False) -> Exit:
    """Show `download_id` until it is over; the exit code tells its outcome.

    The result on stdout is its last state. Raises Detached after Ctrl-C.
    """
    watch = Watch(api, run.host, download_id)
    try:
        last = _watch(run, watch, known_to_exist=known_to_exist)
    except KeyboardInterrupt:
        raise Detached(download_id, is_held=watch.status == "PAUSED") from None
    run.out.result(last.document, rendering.headline(last.download))
    _explain(run, last)
    return _exit_code(last)


def follow_all(run: Run, api: "Api", download_ids: Sequence[str]) -> tuple[Exit, list[Json]]:
    """Show downloads that were just queued, one after the other, until all are over.

    The exit code is the worst of their outcomes; with the last state of each. Raises Detached.
    """
    ended: list[Seen] = []
    for number, each in enumerate(download_ids, start=1):
        run.out.note(f"{number} of {len(download_ids)}: {each}")
        try:
            last = _watch(run, Watch(api, run.host, each), known_to_exist=True)
        except KeyboardInterrupt:
            raise Detached(*download_ids[number - 1 :]) from None
        run.out.note(rendering.headline(last.download).plain)
        _explain(run, last)
        ended.append(last)
    return of_outcomes(map(_exit_code, ended)), [last.document for last in ended]


def _exit_code(last: Seen) -> Exit:
    return of_outcome(last.download.status, partial=last.download.is_partial)


def _watch(run: Run, watch: Watch, *, known_to_exist: bool) -> Seen:
    console = run.out.stderr
    can_draw = console.is_terminal and not console.is_dumb_terminal
    with Bars(console, run.host) if can_draw else Lines(run.out, run.host) as view:
        return watch.until_over(view.show, known_to_exist=known_to_exist)


def _explain(run: Run, last: Seen) -> None:
    """Why it ended other than whole, and what can be done."""
    again = f"cratekeeper retry {last.download.id}"
    if last.download.status == "CANCELLED":
        run.out.note(f"it was cancelled; ask for it again with: {again}")
    elif last.download.status == "FAILED":
        run.out.note(rendering.trouble(last.download) or "no reason given")
        for child in last.children:
            if child.status == "FAILED":
                run.out.note(f"  {child.name}: {rendering.trouble(child) or 'no reason given'}")
        run.out.note(f"try again what failed with: {again}")
    elif last.download.is_partial:
        cancelled = [child for child in last.children if child.status == "CANCELLED"]
        run.out.note(
            "parts of it were cancelled"
            + (f"; fetch one with: cratekeeper retry {cancelled[0].id}" if cancelled else "")
        )
