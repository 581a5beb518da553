"""`limits`, `queue` and `exit-codes`: what the server allows and does, what a code means."""

from collections.abc import Sequence

from rich.table import Table

from cratekeeper_cli import text
from cratekeeper_cli.answers import Fields
from cratekeeper_cli.exits import MEANINGS, Exit
from cratekeeper_cli.rendering import LANES
from cratekeeper_cli.tree import NoOptions, Run, Tree

_UNLIMITED = -1


def add_to(tree: Tree) -> None:
    """Add the commands of this module."""
    tree.command(
        "limits",
        limits,
        examples=["cratekeeper limits", "cratekeeper limits --json"],
    )
    tree.group_with_default("queue", queue, examples=["cratekeeper queue", "cratekeeper queue --json"])
    tree.command(
        "exit-codes",
        exit_codes,
        examples=["cratekeeper exit-codes", "cratekeeper exit-codes --json"],
    )


def limits(run: Run, _options: NoOptions) -> Exit:
    """Show what may still be requested, by you and by all.

    With when the counts start anew.
    """
    with run.api() as api:
        found = api.get("/v1/limits")
    user = Fields(found).inner("user") or Fields({})
    everyone = Fields(found).inner("global") or Fields({})
    rows = [
        ("You, requests today", _of(user, "requests_today", "max_per_day")),
        ("You, in the queue", _of(user, "in_queue", "max_queue")),
        ("You may request", "yes" if user.flag("can_request") else "not now"),
        ("Your day ends", text.moment(user.time("resets_at"))),
        ("All, albums this hour", _of(everyone, "albums_this_hour", "max_per_hour")),
        ("All, albums today", _of(everyone, "albums_today", "max_per_day")),
    ]
    if everyone.flag("at_capacity"):
        rows.append(("Albums wait until", text.moment(everyone.time("resets_at"))))
    run.out.result(found, _pairs(rows))
    return Exit.OK


def _of(fields: Fields, used: str, most: str) -> str:
    limit = fields.integer(most)
    bound = "unlimited" if limit in {None, _UNLIMITED} else f"{limit:,}"
    return f"{fields.count(used):,} of {bound}"


def queue(run: Run, _options: NoOptions) -> Exit:
    """Show how much waits and runs, in all lanes together."""
    with run.api() as api:
        found = api.get("/v1/queue")
    fields = Fields(found)
    lanes = fields.inner("by_priority") or Fields({})
    rows = [
        ("State", _state(fields)),
        ("Running", _of(fields, "active", "max_concurrent")),
        ("Waiting", f"{fields.count('pending'):,}"),
        *((f"  {name} ({lane})", f"{lanes.count(str(lane)):,}") for lane, name in LANES.items()),
        ("Waiting for a retry", f"{fields.count('retry_waiting'):,}"),
    ]
    run.out.result(found, _pairs(rows))
    return Exit.OK


def _state(fields: Fields) -> str:
    if not fields.flag("paused"):
        return "open"
    reason = fields.text("paused_reason")
    return f"paused: {reason}" if reason else "paused"


def exit_codes(run: Run, _options: NoOptions) -> Exit:
    """List the exit codes of all commands, for scripts."""
    found = [{"code": int(code), "name": code.name, "meaning": MEANINGS[code]} for code in Exit]
    run.out.result({"exit_codes": found}, _pairs([(str(int(c)), MEANINGS[c]) for c in Exit]))
    return Exit.OK


def _pairs(rows: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table
