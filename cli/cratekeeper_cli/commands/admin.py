"""`admin …`: what operators see and do, across all people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cratekeeper_cli import completion, listing, outcomes, rendering, text
from cratekeeper_cli.answers import Download, Fields, Json, Kind, Query, Source, Status, items_of
from cratekeeper_cli.arguments import checked_ids
from cratekeeper_cli.asking import make_sure
from cratekeeper_cli.endpoint import Role
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.tree import NoOptions, Run, Tree

if TYPE_CHECKING:
    from cratekeeper_cli.client import Api

_LIST: Final = "/v1/admin/downloads"
_ID: Final = "01JD8Z3V5K7Q9S1T2W4X6Y8Z0A"
_IDS_HELP: Final = "One or many download ids; - reads them from standard input."

_User = Annotated[str | None, typer.Option("--user", metavar="USER", help="Only what this user asked for.")]
_Kind = Annotated[Kind | None, typer.Option(case_sensitive=False, help="Only those of this kind.")]
_Source = Annotated[Source | None, typer.Option(case_sensitive=False, help="Only those from there.")]


def _ids(*wanted: Query) -> typer.models.ArgumentInfo:
    found: typer.models.ArgumentInfo = typer.Argument(
        metavar="ID",
        help=_IDS_HELP,
        autocompletion=completion.downloads(*wanted, path=_LIST, role=Role.ADMIN),
    )
    return found


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Which downloads to list."""

    status: Annotated[Status | None, typer.Option(case_sensitive=False, help="Only those in this state.")] = None
    user: _User = None
    kind: _Kind = None
    source: _Source = None
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50
    everything: Annotated[bool, typer.Option("--all", help="All there are.")] = False
    ids: Annotated[bool, typer.Option("--ids", help="Only the ids, for other commands.")] = False


@dataclass(frozen=True, slots=True)
class ActivityOptions:
    """How far back."""

    hours: Annotated[int, typer.Option(min=1, max=168, help="How many hours back.")] = 24


@dataclass(frozen=True, slots=True)
class ProcessOptions:
    """How many."""

    most: Annotated[int, typer.Option("--max", min=1, max=10, help="How many at most.")] = 1


@dataclass(frozen=True, slots=True)
class RetryOptions:
    """Which downloads."""

    ids: Annotated[list[str], _ids({"status": "FAILED"}, {"status": "CANCELLED"})]
    force: Annotated[bool, typer.Option("--force", help="Also what runs or waits for a retry.")] = False


@dataclass(frozen=True, slots=True)
class RetryFailedOptions:
    """Which of the failed."""

    user: _User = None
    kind: _Kind = None
    source: _Source = None


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """Which downloads."""

    ids: Annotated[list[str], _ids({})]
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False


def add_to(tree: Tree) -> None:
    """Add the commands of this module."""
    tree.group("admin", help_text="See and steer the downloads, jobs and users of all.")
    tree.command(
        "admin downloads",
        list_downloads,
        examples=[
            "cratekeeper admin downloads --status failed",
            "cratekeeper admin downloads --user alice --kind album --all --json",
        ],
    )
    tree.command("admin stats", stats, examples=["cratekeeper admin stats", "cratekeeper admin stats --json"])
    tree.command("admin activity", activity, examples=["cratekeeper admin activity --hours 6"])
    tree.command("admin process", process, examples=["cratekeeper admin process --max 3"])
    tree.command(
        "admin retry", retry, examples=[f"cratekeeper admin retry {_ID}", f"cratekeeper admin retry {_ID} --force"]
    )
    tree.command(
        "admin retry-failed",
        retry_failed,
        examples=["cratekeeper admin retry-failed", "cratekeeper admin retry-failed --user alice --kind track"],
    )
    tree.command(
        "admin delete", delete, examples=[f"cratekeeper admin delete {_ID}", f"cratekeeper admin delete {_ID} --yes"]
    )


def _filters(options: ListOptions | RetryFailedOptions, status: Status | None = None) -> dict[str, str]:
    wanted = {"status": status, "user_id": options.user, "kind": options.kind, "source": options.source}
    return {name: str(value) for name, value in wanted.items() if value is not None}


def list_downloads(run: Run, options: ListOptions) -> Exit:
    """List the downloads of all people, newest first.

    Without the parts of albums: show ID has them. A * marks albums that ended with only some
    of their parts. Needs the permission view_analytics.
    """
    at_most = None if options.everything else options.limit
    with run.api(Role.ADMIN) as api:
        found = listing.read(api, _LIST, _filters(options, options.status), at_most=at_most)
    rows = [Download.of(item) for item in items_of(found)]
    table = rendering.download_list(rows, width=run.out.stdout.width, of_all=True)
    if options.ids:
        run.out.result(found, *(row.id for row in rows))
    else:
        run.out.result(found, table if rows else "no downloads")
    listing.mention_more(run, found)
    return Exit.OK


def stats(run: Run, _options: NoOptions) -> Exit:
    """Show how the queue is doing.

    Counts are of whole downloads, days are UTC. Needs the permission view_analytics.
    """
    with run.api(Role.ADMIN) as api:
        found = api.get("/v1/admin/stats")
    queue, capacity, work = (Fields(found).inner(name) or Fields({}) for name in ("queue", "capacity", "processing"))
    average_ms, success = work.integer("average_duration_ms"), work.number("success_rate_percent")
    names = ("pending", "in_progress", "retry_waiting", "paused", "completed_today", "failed_today")
    rows = [
        *((name.replace("_", " ").capitalize(), f"{queue.count(name):,}") for name in names),
        ("Stale in progress", f"{queue.count('stale_in_progress'):,}"),
        ("Albums this hour", rendering.used_of(capacity, "albums_this_hour", "max_per_hour")),
        ("Albums today", rendering.used_of(capacity, "albums_today", "max_per_day")),
        ("Average duration", text.span(None if average_ms is None else average_ms / 1000)),
        ("Success rate", "–" if success is None else f"{success:g} %"),
    ]
    run.out.result(found, rendering.pairs(rows))
    return Exit.OK


def activity(run: Run, options: ActivityOptions) -> Exit:
    """Show what was fetched in each of the last hours.

    Needs the permission view_analytics.
    """
    with run.api(Role.ADMIN) as api:
        found = api.get("/v1/admin/activity", {"hours": options.hours})
    table = rendering.plain_table("HOUR")
    for header in ("ALBUMS", "TRACKS", "IMAGES", "SIZE", "FAILED"):
        table.add_column(header, justify="right", no_wrap=True)
    for row in map(Fields, items_of(found, "hourly")):
        table.add_row(text.minute(row.time("hour")), *_counted(row))
    table.add_section()
    table.add_row("all", *_counted(Fields(found).inner("totals") or Fields({})), style="bold")
    run.out.result(found, table)
    return Exit.OK


def _counted(row: Fields) -> Sequence[str]:
    albums, tracks, images, failed = (f"{row.count(name):,}" for name in ("albums", "tracks", "images", "failed"))
    return albums, tracks, images, text.size(row.count("bytes")), failed


def process(run: Run, options: ProcessOptions) -> Exit:
    """Have the next waiting work done now.

    Asks the worker itself and waits for it. Needs the permission server_admin.
    """
    with run.api(Role.ADMIN) as api:
        found = api.act("POST", "/v1/admin/process", body={"max": options.most})
    done = [Download.of(item) for item in items_of(found, "processed")]
    table = rendering.download_list(done, width=run.out.stdout.width, of_all=True)
    run.out.result(found, table if done else "nothing waits")
    return Exit.OK


def retry(run: Run, options: RetryOptions) -> Exit:
    """Try anybody's failed or cancelled downloads again.

    From the first retry on, as if new; what is stored is not fetched again. Needs the
    permission edit_catalog. Exit codes: for one id 0, or that of the refusal (5 no such
    download, 6 wrong state); for many 0 if all went well, else 8.
    """
    params: Query = {"force": True} if options.force else {}

    def again(api: "Api", download_id: str) -> Json:
        return api.act("POST", f"{_LIST}/{download_id}/retry", params=params)

    return _each(run, checked_ids(options.ids), again, done=None)


def retry_failed(run: Run, options: RetryFailedOptions) -> Exit:
    """Try all failed downloads again.

    Of all people, or those that the options leave. Needs the permission edit_catalog.
    """
    with run.api(Role.ADMIN) as api:
        found = api.act("POST", f"{_LIST}/retry-failed", params=_filters(options))
    count = Fields(found).count("requeued")
    run.out.result(found, f"{count:,} queued again")
    return Exit.OK


def delete(run: Run, options: DeleteOptions) -> Exit:
    """Delete downloads from the queue, with their parts.

    What runs is cancelled first; media, catalog and history stay. Cannot be undone. Needs the
    permission edit_catalog. Exit codes: for one id 0, or that of the refusal (5 no such
    download, 6 a part of an album); for many 0 if all went well, else 8.
    """
    ids = checked_ids(options.ids)
    make_sure(run, "delete", ids[0] if len(ids) == 1 else f"{len(ids):,} downloads", is_sure=options.yes)

    def drop(api: "Api", download_id: str) -> Json:
        return api.act("DELETE", f"{_LIST}/{download_id}")

    return _each(run, ids, drop, done="deleted")


def _each(run: Run, ids: Sequence[str], act: "Callable[[Api, str], Json]", *, done: str | None) -> Exit:
    """`act` on each; the word for it is `done`, or the state that is answered. One alone raises its refusal."""
    with run.api(Role.ADMIN) as api:
        if len(ids) == 1:
            found = act(api, ids[0])
            shown = rendering.headline(Download.of(found)) if done is None else f"{done} {ids[0]}"
            run.out.result(found or {"id": ids[0], "status": done}, shown)
            return Exit.OK
        told = outcomes.one_by_one(run, ids, lambda each: _word(act(api, each), done))
    return outcomes.report(run, told)


def _word(answer: Json, done: str | None) -> str:
    return done or Download.of(answer).status
