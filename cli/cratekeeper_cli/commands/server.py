"""`limits` and `exit-codes`: what the server allows, what a code means."""

from cratekeeper_cli import text
from cratekeeper_cli.answers import Fields
from cratekeeper_cli.exits import MEANINGS, Exit
from cratekeeper_cli.rendering import pairs, used_of
from cratekeeper_cli.tree import NoOptions, Run, Tree


def add_to(tree: Tree) -> None:
    """Add the commands of this module."""
    tree.command(
        "limits",
        limits,
        examples=["cratekeeper limits", "cratekeeper limits --json"],
    )
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
        ("You, requests today", used_of(user, "requests_today", "max_per_day")),
        ("You, in the queue", used_of(user, "in_queue", "max_queue")),
        ("You may request", "yes" if user.flag("can_request") else "not now"),
        ("Your day ends", text.moment(user.time("resets_at"))),
        ("All, albums this hour", used_of(everyone, "albums_this_hour", "max_per_hour")),
        ("All, albums today", used_of(everyone, "albums_today", "max_per_day")),
    ]
    if everyone.flag("at_capacity"):
        rows.append(("Albums wait until", text.moment(everyone.time("resets_at"))))
    run.out.result(found, pairs(rows))
    return Exit.OK


def exit_codes(run: Run, _options: NoOptions) -> Exit:
    """List the exit codes of all commands, for scripts."""
    found = [{"code": int(code), "name": code.name, "meaning": MEANINGS[code]} for code in Exit]
    run.out.result({"exit_codes": found}, pairs([(str(int(c)), MEANINGS[c]) for c in Exit]))
    return Exit.OK
