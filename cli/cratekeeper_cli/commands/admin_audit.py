"""`admin audit …`: what happened, to what, by whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

import typer
from rich.table import Table

from cratekeeper_cli import completion, listing, moments, text
from cratekeeper_cli.answers import EventType, Fields, Kind, items_of
from cratekeeper_cli.arguments import Everything, Most, UserId, checked_id, checked_user
from cratekeeper_cli.endpoint import Role
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.hints import where_to_look
from cratekeeper_cli.rendering import details_of, plain_table
from cratekeeper_cli.tree import Run, Tree

if TYPE_CHECKING:
    from cratekeeper_cli.client import Api

_LIST: Final = "/v1/admin/audit"
_DOWNLOADS: Final = "/v1/admin/downloads"
_ID: Final = "01JD8Z3V5K7Q9S1T2W4X6Y8Z0A"
_ROOMY: Final = 120
_NARROW: Final = 80
_LONGEST_WHO: Final = 16


class Order(StrEnum):
    """What comes first."""

    NEWEST = "newest"
    OLDEST = "oldest"


_Events = Annotated[
    list[EventType],
    typer.Option("--event", metavar="EVENT", case_sensitive=False, help="Only such events. May be repeated."),
]
_TIMES: Final = "3h or 2d ago, a time of day, or 2026-11-21T08:00"
_Since = Annotated[str | None, typer.Option(metavar="TIME", help=f"Only from then on: {_TIMES}.")]
_Until = Annotated[str | None, typer.Option(metavar="TIME", help="Only up to then; written in the same ways.")]
_Order = Annotated[Order, typer.Option(case_sensitive=False, help="What comes first.")]
_of_all = completion.downloads({}, path=_DOWNLOADS, role=Role.ADMIN)


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Which entries, of everything."""

    download: Annotated[
        str | None, typer.Option("--download", metavar="ID", help="Only of this download.", autocompletion=_of_all)
    ] = None
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            metavar="USER",
            help="Only what this user did; `system` did what nobody asked for.",
            autocompletion=completion.users(),
        ),
    ] = None
    event: _Events = field(default_factory=list)
    kind: Annotated[Kind | None, typer.Option(case_sensitive=False, help="Only of downloads of this kind.")] = None
    content: Annotated[
        str | None, typer.Option("--content", metavar="ID", help="Only of downloads of this content.")
    ] = None
    since: _Since = None
    until: _Until = None
    order: _Order = Order.NEWEST
    limit: Most = 50
    everything: Everything = False


@dataclass(frozen=True, slots=True)
class DownloadOptions:
    """Which entries, of one download."""

    download: Annotated[
        str, typer.Argument(metavar="ID", help="A download's id, also of one that is gone.", autocompletion=_of_all)
    ]
    event: _Events = field(default_factory=list)
    since: _Since = None
    until: _Until = None
    order: _Order = Order.NEWEST
    limit: Most = 50
    everything: Everything = False


@dataclass(frozen=True, slots=True)
class UserOptions:
    """Which entries, of what one user did."""

    user: UserId
    event: _Events = field(default_factory=list)
    since: _Since = None
    until: _Until = None
    order: _Order = Order.NEWEST
    limit: Most = 50
    everything: Everything = False


def add_to(tree: Tree) -> None:
    """Add the commands of this module; the group `admin` must exist."""
    tree.group_with_default(
        "admin audit",
        search,
        examples=[
            "cratekeeper admin audit --event download_failed --since 3h",
            "cratekeeper admin audit --user alice --kind album --order oldest",
            "cratekeeper admin audit --event key_created --event key_revoked --all --json",
        ],
    )
    tree.command(
        "admin audit download",
        of_download,
        examples=[f"cratekeeper admin audit download {_ID} --order oldest --all"],
    )
    tree.command("admin audit user", of_user, examples=["cratekeeper admin audit user alice --since 2d"])


def search(run: Run, options: SearchOptions) -> Exit:
    """Show what happened, newest first.

    Every change of a download, of the queue and of keys, as far back as history is kept. Needs
    the permission view_analytics.

    Events: REQUEST_CREATED, DOWNLOAD_STARTED, CHILDREN_CREATED, DOWNLOAD_COMPLETED,
    DOWNLOAD_FAILED, RETRY_SCHEDULED, LEASE_RECOVERED, DOWNLOAD_PAUSED, DOWNLOAD_RESUMED,
    DOWNLOAD_CANCELLED, PRIORITY_CHANGED, USER_RETRY, ADMIN_RETRY, DOWNLOAD_DELETED, QUEUE_PAUSED,
    QUEUE_RESUMED, QUEUE_LIMIT_CHANGED, WATCHDOG_QUEUED, WATCHDOG_SCAN_STARTED,
    WATCHDOG_SCAN_COMPLETED, KEY_CREATED, KEY_REVOKED.
    """
    wanted = {
        "download_id": checked_id(options.download) if options.download else None,
        "user_id": checked_user(options.user) if options.user else None,
        "kind": options.kind,
        "content_id": options.content,
    }
    return _tell(run, options, _LIST, {name: str(value) for name, value in wanted.items() if value})


def of_download(run: Run, options: DownloadOptions) -> Exit:
    """Show what happened to one download.

    Its history outlives it; the parts of an album have one each (ID-1, ID-2 …). Needs the
    permission view_analytics. Exit codes: 0, 5 there never was such a download.
    """
    return _tell(run, options, f"{_LIST}/downloads/{checked_id(options.download)}", {})


def of_user(run: Run, options: UserOptions) -> Exit:
    """Show what one user did.

    Also of one who is gone; `system` did what nobody asked for. Needs the permission
    view_analytics.
    """
    return _tell(run, options, f"{_LIST}/users/{quote(checked_user(options.user), safe='')}", {})


def _tell(run: Run, options: SearchOptions | DownloadOptions | UserOptions, path: str, wanted: dict[str, str]) -> Exit:
    at_most = None if options.everything else options.limit
    with where_to_look("list the downloads with: cratekeeper admin downloads"), run.api(Role.ADMIN) as api:
        found = listing.read(api, path, {**wanted, **_filters(api, options)}, at_most=at_most)
    entries = [Fields(item) for item in items_of(found)]
    run.out.result(found, _table(entries, width=run.out.stdout.width) if entries else "nothing happened")
    listing.mention_more(run, found)
    return Exit.OK


def _filters(api: "Api", options: SearchOptions | DownloadOptions | UserOptions) -> dict[str, str]:
    """What all three lists know; spans and times of day count from the server's clock."""
    is_timed = options.since is not None or options.until is not None
    now = api.look("/health").now if is_timed else None
    wanted = {
        "event_type": ",".join(dict.fromkeys(options.event)),
        "since": _time(options.since, now),
        "until": _time(options.until, now),
        "order": str(options.order),
    }
    return {name: value for name, value in wanted.items() if value}


def _time(word: str | None, now: datetime | None) -> str | None:
    return None if word is None else moments.iso(moments.past(word, now=now))


def _table(entries: Sequence[Fields], *, width: int) -> Table:
    """One row per entry; where it is narrow, details stand below what they are about."""
    is_roomy, is_narrow = width >= _ROOMY, width < _NARROW
    table = plain_table("TIME", "EVENT")
    if not is_narrow:
        table.add_column("BY", no_wrap=True, overflow="ellipsis", max_width=_LONGEST_WHO)
    table.add_column("OF", overflow="fold", ratio=None if is_roomy else 1)
    if is_roomy:
        table.add_column("DETAILS", overflow="fold", ratio=1)
    for entry in entries:
        at = (text.moment if is_roomy else text.minute)(entry.time("timestamp"))
        by = [] if is_narrow else [entry.text("user_id") or "?"]
        about = [part for part in (_subject(entry), details_of(entry)) if part]
        table.add_row(at, entry.text("event_type") or "?", *by, *(about if is_roomy else ["\n".join(about)]))
    return table


def _subject(entry: Fields) -> str:
    """The download, or what else the entry is about: `queue`, `user:alice`, a scan."""
    return entry.text("download_id") or (entry.text("id") or "?").rpartition(":")[0]
