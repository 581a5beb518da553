"""`cancel`, `pause`, `resume`, `retry`, `priority`: steer downloads, one or many at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from cratekeeper_cli import completion, outcomes, rendering
from cratekeeper_cli.answers import Download, Json, Query
from cratekeeper_cli.arguments import checked_ids
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.tree import Run, Tree

_ID: Final = "01JD8Z3V5K7Q9S1T2W4X6Y8Z0A"
_OTHER_ID: Final = "01JD8Z4M2B6C8D0E3F5G7H9J1K"
_HELP: Final = "One or many download ids; - reads them from standard input."


def _ids(*wanted: Query) -> typer.models.ArgumentInfo:
    found: typer.models.ArgumentInfo = typer.Argument(
        metavar="ID", help=_HELP, autocompletion=completion.downloads(*wanted)
    )
    return found


@dataclass(frozen=True, slots=True)
class ActiveOptions:
    """Which downloads, of those that are not over."""

    ids: Annotated[list[str], _ids({"active": True})]


@dataclass(frozen=True, slots=True)
class PausedOptions:
    """Which downloads, of those that are paused."""

    ids: Annotated[list[str], _ids({"status": "PAUSED"})]


@dataclass(frozen=True, slots=True)
class EndedOptions:
    """Which downloads, of those that failed or were cancelled."""

    ids: Annotated[list[str], _ids({"status": "FAILED"}, {"status": "CANCELLED"})]


@dataclass(frozen=True, slots=True)
class PriorityOptions:
    """The lane, and which downloads."""

    priority: Annotated[
        int,
        typer.Argument(
            metavar="PRIORITY",
            min=1,
            max=3,
            help="2 normal, 3 low; 1 (high) only for editors.",
            autocompletion=completion.words(*completion.PRIORITIES),
        ),
    ]
    ids: Annotated[list[str], _ids({"active": True})]


def add_to(tree: Tree) -> None:
    """Add the commands of this module."""
    tree.command(
        "cancel",
        cancel,
        examples=[
            f"cratekeeper cancel {_ID}",
            f"cratekeeper cancel {_ID} {_OTHER_ID}",
            "cratekeeper downloads --status pending --ids | cratekeeper cancel -",
        ],
    )
    tree.command("pause", pause, examples=[f"cratekeeper pause {_ID}", f"cratekeeper pause {_ID} {_OTHER_ID}"])
    tree.command("resume", resume, examples=[f"cratekeeper resume {_ID}", f"cratekeeper resume {_ID} {_OTHER_ID}"])
    tree.command(
        "retry",
        retry,
        examples=[
            f"cratekeeper retry {_ID}",
            f"cratekeeper retry {_ID}-7",
            "cratekeeper downloads --status failed --ids | cratekeeper retry -",
        ],
    )
    tree.command(
        "priority", priority, examples=[f"cratekeeper priority 3 {_ID}", f"cratekeeper priority 2 {_ID} {_OTHER_ID}"]
    )


def cancel(run: Run, options: ActiveOptions) -> Exit:
    """Cancel downloads; an album with all of its parts.

    At once, also what is running; what is stored already stays. Exit codes: for one id 0, or that
    of the refusal (5 no such download, 6 over already); for many 0 if all went well, else 8.
    """
    return _steer(run, options.ids, "cancel", then="ask for it again with: cratekeeper retry {id}")


def pause(run: Run, options: ActiveOptions) -> Exit:
    """Pause downloads until they are resumed.

    An album with its parts. To pause the whole queue: cratekeeper queue pause. Exit codes: for one id 0, or that of the
    refusal (5 no such download, 6 wrong state); for many 0 if all went well, else 8.
    """
    return _steer(run, options.ids, "pause", then="resume it with: cratekeeper resume {id}")


def resume(run: Run, options: PausedOptions) -> Exit:
    """Let paused downloads go on.

    They keep their place in the queue. Exit codes: for one id 0, or that of the refusal (5 no
    such download, 6 not paused); for many 0 if all went well, else 8.
    """
    return _steer(run, options.ids, "resume", then="watch it with: cratekeeper watch {id}")


def retry(run: Run, options: EndedOptions) -> Exit:
    """Try failed or cancelled downloads again.

    Of an album only the parts that failed or were cancelled; nothing that is stored is fetched
    again. Exit codes: for one id 0, or that of the refusal (5 no such download, 6 neither failed
    nor cancelled, 7 your queue is full); for many 0 if all went well, else 8.
    """
    return _steer(run, options.ids, "retry", then="watch it with: cratekeeper watch {id}")


def priority(run: Run, options: PriorityOptions) -> Exit:
    """Move downloads to another lane of the queue.

    An album with its parts. The lanes: 1 high, 2 normal, 3 low. Exit codes: for one id 0, or that of the refusal (4 not
    permitted, 5 no such download, 6 over already); for many 0 if all went well, else 8.
    """
    return _steer(run, options.ids, "priority", body={"priority": options.priority})


def _steer(run: Run, texts: Sequence[str], action: str, *, body: Json | None = None, then: str = "") -> Exit:
    """One id goes to its own route, so that a refusal is told in full; many go together."""
    ids = checked_ids(texts)
    with run.api() as api:
        if len(ids) > 1:
            orders = {"action": action, **(body or {})}
            return outcomes.report(
                run,
                outcomes.in_portions(
                    run, ids, lambda part: api.act("POST", "/v1/downloads/batch-action", body={"ids": part, **orders})
                ),
            )
        found = api.act("POST", f"/v1/downloads/{ids[0]}/{action}", body=body)
    one = Download.of(found)
    run.out.result(found, rendering.headline(one))
    if then:
        run.out.note(then.format(id=one.id))
    return Exit.OK
