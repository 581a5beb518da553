"""`downloads`, `show`, `watch`, `explain` and `events`: see what became of what was asked for."""

from dataclasses import dataclass
from typing import Annotated

import typer

from cratekeeper_cli import completion, rendering
from cratekeeper_cli.answers import Download, Fields, Json, Kind, Status, items_of
from cratekeeper_cli.arguments import DownloadId, checked_id
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.follow import follow
from cratekeeper_cli.tree import Run, Tree

_DEFAULT_LIMIT = 50


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Which downloads to list."""

    status: Annotated[Status | None, typer.Option(case_sensitive=False, help="Only those in this state.")] = None
    kind: Annotated[Kind | None, typer.Option(case_sensitive=False, help="Only those of this kind.")] = None
    active: Annotated[bool, typer.Option("--active", help="Only those not over yet.")] = False
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = _DEFAULT_LIMIT
    everything: Annotated[bool, typer.Option("--all", help="All there are.")] = False
    ids: Annotated[bool, typer.Option("--ids", help="Only the ids, for other commands.")] = False


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """Which download, and how much of it."""

    download_id: DownloadId
    events: Annotated[bool, typer.Option("--events", help="Its history as well.")] = False


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Which download to watch, or to ask why it waits."""

    download_id: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Download id, as `request` and `downloads` print it.",
            autocompletion=completion.downloads({"active": True}),
        ),
    ]


@dataclass(frozen=True, slots=True)
class EventsOptions:
    """Whose history."""

    download_id: DownloadId


def add_to(tree: Tree) -> None:
    """Add the commands of this module."""
    tree.command(
        "downloads",
        list_downloads,
        examples=[
            "cratekeeper downloads --active",
            "cratekeeper downloads --status failed --kind album",
            "cratekeeper downloads --all --json",
            "cratekeeper downloads --status failed --ids | cratekeeper retry -",
        ],
    )
    tree.command(
        "show",
        show,
        examples=[
            "cratekeeper show 01JD8Z3V5K7Q9S1T2W4X6Y8Z0A",
            "cratekeeper show 01JD8Z3V5K7Q9S1T2W4X6Y8Z0A --events",
        ],
    )
    tree.command(
        "watch",
        watch,
        examples=[
            "cratekeeper watch 01JD8Z3V5K7Q9S1T2W4X6Y8Z0A",
            "cratekeeper watch 01JD8Z3V5K7Q9S1T2W4X6Y8Z0A --json > result.json",
        ],
    )
    tree.command("explain", explain, examples=["cratekeeper explain 01JD8Z3V5K7Q9S1T2W4X6Y8Z0A"])
    tree.command(
        "events",
        events,
        examples=[
            "cratekeeper events 01JD8Z3V5K7Q9S1T2W4X6Y8Z0A",
            "cratekeeper events 01JD8Z3V5K7Q9S1T2W4X6Y8Z0A-7 --json",
        ],
    )


def list_downloads(run: Run, options: ListOptions) -> Exit:
    """List your downloads, newest first.

    DONE is the count of finished parts, the place in the queue (#) or the size. A * marks
    albums that ended with only some of their parts.
    """
    at_most = None if options.everything else options.limit
    with run.api() as api:
        pages = list(api.pages("/v1/downloads", _filters(options), at_most=at_most))
    items = [item for page in pages for item in items_of(page)][:at_most]
    found: Json = {**pages[0], "items": items, "next_cursor": pages[-1].get("next_cursor")}
    rows = [Download.of(item) for item in items]
    table = rendering.download_list(rows, width=run.out.stdout.width)
    if options.ids:
        run.out.result(found, *(row.id for row in rows))
    else:
        run.out.result(found, table if rows else "no downloads")
    if found["next_cursor"]:
        run.out.note("there are more: raise --limit, or --all")
    return Exit.OK


def _filters(options: ListOptions) -> dict[str, str]:
    wanted = {
        "status": options.status.value if options.status else None,
        "kind": options.kind.value if options.kind else None,
        "active": "true" if options.active else None,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def show(run: Run, options: ShowOptions) -> Exit:
    """Show one download with its parts."""
    path = f"/v1/downloads/{checked_id(options.download_id)}"
    with run.api() as api:
        found: dict[str, object] = dict(api.get(path))
        one = Download.of(found)
        if one.progress:
            found["children"] = _all(list(api.pages(f"{path}/children", {})))
        if options.events:
            found["events"] = _all(list(api.pages(f"{path}/events", {})))
    run.out.result(found, rendering.details(one))
    if not run.out.json_only:
        _show_lists(run, found)
    return Exit.OK


def _all(pages: list[Json]) -> list[Json]:
    return [item for page in pages for item in items_of(page)]


def _show_lists(run: Run, found: Json) -> None:
    out = run.out
    children = [Download.of(item) for item in items_of({"items": found.get("children")})]
    if children:
        out.show("")
        out.show(rendering.children_list(children, width=out.stdout.width))
    events = [Fields(item) for item in items_of({"items": found.get("events")})]
    if events:
        out.show("")
        out.show(rendering.event_list(events))


def watch(run: Run, options: WatchOptions) -> Exit:
    """Watch a download until it is over.

    A bar per track, the rate and the time left.

    Ctrl-C only ends the watching. While the download is paused, that is said, and the watching
    goes on. Without a terminal the progress is plain lines on stderr.

    Exit codes: 0 COMPLETED, 1 FAILED, 8 CANCELLED or parts missing, 130 left with Ctrl-C.
    """
    download_id = checked_id(options.download_id)
    with run.api() as api:
        return follow(run, api, download_id)


def explain(run: Run, options: WatchOptions) -> Exit:
    """Tell why a download is not running now.

    What blocks it, and when that ends if the server knows. Nothing blocks what runs or is over.
    """
    path = f"/v1/downloads/{checked_id(options.download_id)}"
    with run.api() as api:
        found = api.get(f"{path}/explain")
        one = Download.of(api.get(path))
    blockers = [Fields(item) for item in items_of(found, "blockers")]
    run.out.result(found, rendering.headline(one), rendering.blocker_list(blockers) if blockers else _free(one))
    return Exit.OK


def _free(one: Download) -> str:
    return "it is over" if one.is_over else "nothing blocks it: it runs, or is about to"


def events(run: Run, options: EventsOptions) -> Exit:
    """Show the history of a download, oldest first.

    Also of a part of an album, by the id that `show --json` prints.
    """
    with run.api() as api:
        found = _all(list(api.pages(f"/v1/downloads/{checked_id(options.download_id)}/events", {})))
    run.out.result({"items": found, "next_cursor": None}, rendering.event_list([Fields(item) for item in found]))
    return Exit.OK
