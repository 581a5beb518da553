"""`queue` and `queue pause|resume|limit`: how much waits and runs, and steering it."""

from dataclasses import dataclass
from typing import Annotated

import typer

from cratekeeper_cli import moments, text
from cratekeeper_cli.answers import Fields, Json
from cratekeeper_cli.endpoint import Role
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.rendering import LANES, pairs, used_of
from cratekeeper_cli.tree import NoOptions, Run, Tree

_MOST = 1000


@dataclass(frozen=True, slots=True)
class PauseOptions:
    """Why, and how long."""

    reason: Annotated[str | None, typer.Option(help="Why; shown to everybody who asks.")] = None
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Resume by itself: after 90m, 2h or 1d, at 18:30, at 2026-12-01T08:00."),
    ] = None


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """How many."""

    most: Annotated[int, typer.Argument(metavar="N", min=1, max=_MOST, help="Downloads at a time, 1 to 1000.")]


def add_to(tree: Tree) -> None:
    """Add the commands of this module."""
    tree.group_with_default("queue", queue, examples=["cratekeeper queue", "cratekeeper queue --json"])
    tree.command(
        "queue pause",
        pause,
        examples=[
            "cratekeeper queue pause",
            'cratekeeper queue pause --reason "moving the library" --until 2h',
        ],
    )
    tree.command("queue resume", resume, examples=["cratekeeper queue resume"])
    tree.command("queue limit", limit, examples=["cratekeeper queue limit 1", "cratekeeper queue limit 10"])


def queue(run: Run, _options: NoOptions) -> Exit:
    """Show how much waits and runs, in all lanes together."""
    with run.api() as api:
        found = api.get("/v1/queue")
    _tell(run, found)
    return Exit.OK


def pause(run: Run, options: PauseOptions) -> Exit:
    """Pause the whole queue: nothing new starts.

    Running downloads finish. For server administrators; pausing twice does no harm. To pause
    a single download: cratekeeper pause ID.
    """
    with run.api(Role.ADMIN) as api:
        body: dict[str, object] = {}
        if options.reason:
            body["reason"] = options.reason
        if options.until:
            now = api.look("/v1/queue").now
            body["resume_at"] = moments.iso(moments.instant(options.until, now=now))
        found = api.ensure("POST", "/v1/admin/queue/pause", body)
    _tell(run, found)
    run.out.note("resume it with: cratekeeper queue resume")
    return Exit.OK


def resume(run: Run, _options: NoOptions) -> Exit:
    """Let the queue go on after a pause.

    For server administrators; resuming a queue that is open does no harm.
    """
    with run.api(Role.ADMIN) as api:
        found = api.ensure("POST", "/v1/admin/queue/resume")
    _tell(run, found)
    return Exit.OK


def limit(run: Run, options: LimitOptions) -> Exit:
    """Set how many downloads may run at a time.

    Lowering it ends nothing that runs; raising it acts within a minute. For server administrators.
    """
    with run.api(Role.ADMIN) as api:
        found = api.ensure("PATCH", "/v1/admin/queue", {"max_concurrent": options.most})
    _tell(run, found)
    return Exit.OK


def _tell(run: Run, found: Json) -> None:
    fields = Fields(found)
    lanes = fields.inner("by_priority") or Fields({})
    rows = [
        ("State", _state(fields)),
        ("Running", used_of(fields, "active", "max_concurrent")),
        ("Waiting", f"{fields.count('pending'):,}"),
        *((f"  {name} ({lane})", f"{lanes.count(str(lane)):,}") for lane, name in LANES.items()),
        ("Waiting for a retry", f"{fields.count('retry_waiting'):,}"),
    ]
    run.out.result(found, pairs(rows))


def _state(fields: Fields) -> str:
    if not fields.flag("paused"):
        return "open"
    reason, at = fields.text("paused_reason"), fields.time("resume_at")
    by, until = fields.text("paused_by"), f" until {text.moment(at)}" if at else ""
    who = f" by {by}" if by else ""
    return f"paused{who}{until}{f': {reason}' if reason else ''}"
