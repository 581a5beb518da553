"""Following a download to its end: picks the view, says how it ended, survives Ctrl-C."""

from typing import TYPE_CHECKING

from cratekeeper_cli import rendering
from cratekeeper_cli.bars import Bars
from cratekeeper_cli.errors import Detached
from cratekeeper_cli.exits import Exit, of_outcome
from cratekeeper_cli.lines import Lines
from cratekeeper_cli.tree import Run
from cratekeeper_cli.watching import Seen, Watch

if TYPE_CHECKING:
    from cratekeeper_cli.client import Api


def follow(run: Run, api: "Api", download_id: str, *, known_to_exist: bool = False) -> Exit:
    """Show `download_id` until it is over; the exit code tells its outcome.

    The result on stdout is its last state. Raises Detached after Ctrl-C.
    """
    try:
        last = _watch(run, Watch(api, run.host, download_id), known_to_exist=known_to_exist)
    except KeyboardInterrupt:
        raise Detached(download_id) from None
    run.out.result(last.document, rendering.headline(last.download))
    _explain(run, last)
    return of_outcome(last.download.status, partial=last.download.is_partial)


def _watch(run: Run, watch: Watch, *, known_to_exist: bool) -> Seen:
    console = run.out.stderr
    can_draw = console.is_terminal and not console.is_dumb_terminal
    with Bars(console, run.host) if can_draw else Lines(run.out, run.host) as view:
        return watch.until_over(view.show, known_to_exist=known_to_exist)


def _explain(run: Run, last: Seen) -> None:
    if last.download.status != "FAILED":
        return
    run.out.note(rendering.trouble(last.download) or "no reason given")
    for child in last.children:
        if child.status == "FAILED":
            run.out.note(f"  {child.name}: {rendering.trouble(child) or 'no reason given'}")
