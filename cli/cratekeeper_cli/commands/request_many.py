"""`request discography` and `request batch`: ask for much at once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from cratekeeper_cli import rendering, wishes
from cratekeeper_cli.answers import Download, Fields, Json, items_of
from cratekeeper_cli.arguments import Force, IdempotencyKey, Priority, checked_id, checked_key
from cratekeeper_cli.errors import CliError
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.follow import follow_all
from cratekeeper_cli.outcomes import MOST, parts
from cratekeeper_cli.rendering import plain_table
from cratekeeper_cli.tree import Run, Tree

if TYPE_CHECKING:
    from cratekeeper_cli.client import Api

_ARTIST: Final = "3TVXtAsR1Inumwj472S9r4"
_LIMITED: Final = "_limit_reached"
_REFUSED: Final = "refused"

_Wait = Annotated[
    bool, typer.Option("--wait", "--watch", help="Show the progress of what is queued until all of it is over.")
]


class Wish(StrEnum):
    """What a plain id means."""

    ALBUM = "album"
    TRACK = "track"


@dataclass(frozen=True, slots=True)
class DiscographyOptions:
    """Whose albums."""

    artist_id: Annotated[str, typer.Argument(metavar="ARTIST", help="Artist id, as `search` prints it.")]
    name: Annotated[str | None, typer.Option(help="The artist's name, to be shown until the catalog knows it.")] = None
    idempotency_key: IdempotencyKey = None
    wait: _Wait = False


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """Where the list is, and what holds for all of it."""

    file: Annotated[str, typer.Argument(metavar="FILE", help="A file with one wish a line; - is standard input.")]
    kind: Annotated[Wish, typer.Option(case_sensitive=False, help="What a line with an id alone means.")] = Wish.ALBUM
    priority: Priority = None
    force: Force = False
    idempotency_key: IdempotencyKey = None
    wait: _Wait = False


def add_to(tree: Tree) -> None:
    """Add the commands of this module to the group `request`."""
    tree.command(
        "request discography",
        request_discography,
        examples=[
            f"cratekeeper request discography {_ARTIST}",
            f"cratekeeper request discography {_ARTIST} --wait",
        ],
    )
    tree.command(
        "request batch",
        request_batch,
        examples=[
            "cratekeeper request batch wanted.txt",
            "echo track 7tFiyTwD0nx5a1eklYtX2J | cratekeeper request batch -",
            "cratekeeper request batch wanted.jsonl --priority 3 --idempotency-key monday --json",
        ],
    )


def request_discography(run: Run, options: DiscographyOptions) -> Exit:
    """Ask for all albums of an artist.

    As many as the limits allow; those in the catalog or the queue are skipped. Exit codes: 0,
    or 7 if a limit left some out; with --wait the worst outcome: 0 all COMPLETED, 8 some
    CANCELLED or with parts missing, 1 some FAILED, 130 left with Ctrl-C.
    """
    artist_id, key = checked_id(options.artist_id, what="an artist"), checked_key(options.idempotency_key)
    body = {"artist_id": artist_id, **({"artist_name": options.name} if options.name else {})}
    with run.api() as api:
        found = api.create("/v1/downloads/discography", body, key=key)
        return _end(run, api, _albums(found), wait=options.wait)


def request_batch(run: Run, options: BatchOptions) -> Exit:
    """Ask for many albums and tracks, one a line.

    A line is an id, or album or track and an id, or a JSON object with the fields of the API:
    kind, content_id, content_name, artist_name, priority, force. Empty lines and those that
    begin with # are left out. One wrong line, and none of its hundred is queued; what is in the
    catalog or the queue already is skipped. Results are in the order of the lines.

    Exit codes: 0, or 7 if a limit left some out, or 8 if a hundred was refused; with --wait the
    worst outcome: 0 all COMPLETED, 8 some CANCELLED, 1 some FAILED, 130 left with Ctrl-C.
    """
    key = checked_key(options.idempotency_key)
    wanted = wishes.read(options.file, kind=options.kind, force=options.force)
    more = {"priority": options.priority} if options.priority else {}
    with run.api() as api:
        rows: list[Json] = []
        for number, part in enumerate(parts(wanted)):
            # Each call is a request of its own: the second one's key must not be the first one's.
            part_key = key and (f"{key}.{number}" if number else key)
            try:
                answer = api.create("/v1/downloads/batch", {"items": part, **more}, key=part_key)
            except CliError as error:
                if not rows:
                    raise
                run.out.note(f"error: {error.line}")
                rows += [
                    {"index": index, "status": _REFUSED, "reason": error.code}
                    for index in range(len(rows), len(wanted))
                ]
                break
            rows += _moved(items_of(answer, "results"), by=number * MOST)
        return _end(run, api, _batch(rows, wanted), wait=options.wait)


def _moved(results: Iterable[Json], *, by: int) -> list[Json]:
    """The rows of one call, their numbers counted over all calls."""
    return [{**row, "index": Fields(row).count("index") + by} for row in results]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was answered: the document, its table, the ids that were queued, how it went."""

    document: Json
    table: Table | str
    queued: Sequence[str]
    reasons: Sequence[str]

    @property
    def code(self) -> Exit:
        if _REFUSED in self.reasons:
            return Exit.INCOMPLETE
        return Exit.LIMITED if any(reason.endswith(_LIMITED) for reason in self.reasons) else Exit.OK

    @property
    def summary(self) -> str:
        counts = [f"{count:,} {reason}" for reason, count in Counter(self.reasons).items()]
        return ", ".join([f"{len(self.queued):,} queued", *counts])


def _albums(found: Json) -> _Asked:
    queued = [Fields(item) for item in items_of(found, "queued")]
    skipped = [Fields(item) for item in items_of(found, "skipped")]
    table = plain_table("ALBUM", "RESULT", "DOWNLOAD")
    for one in queued:
        table.add_row(one.text("album_id") or "?", "queued", one.must("download_id"))
    for one in skipped:
        table.add_row(one.text("album_id") or "?", one.text("reason") or "skipped", "")
    return _Asked(
        found,
        table if queued or skipped else "no albums",
        [one.must("download_id") for one in queued],
        [one.text("reason") or "skipped" for one in skipped],
    )


def _batch(rows: Sequence[Json], wanted: Sequence[Json]) -> _Asked:
    table = plain_table("#", "WANTED", "RESULT", "DOWNLOAD")
    queued: list[str] = []
    reasons: list[str] = []
    for row in map(Fields, rows):
        index, download_id = row.count("index"), row.text("download_id") or ""
        is_queued = row.text("status") == "queued"
        reason = row.text("reason") or row.text("status") or "?"
        if is_queued:
            queued.append(row.must("download_id"))
        else:
            reasons.append(_REFUSED if row.text("status") == _REFUSED else reason)
        content = Fields(wanted[index]).text("content_id") if index < len(wanted) else None
        table.add_row(str(index + 1), content or "?", "queued" if is_queued else reason, download_id)
    return _Asked({"results": list(rows)}, table, queued, reasons)


def _end(run: Run, api: "Api", asked: _Asked, *, wait: bool) -> Exit:
    """Tell what was answered and, with `wait`, what became of it."""
    if not run.out.json_only:
        run.out.show(asked.table)
    run.out.note(asked.summary)
    if any(reason.endswith(_LIMITED) for reason in asked.reasons):
        run.out.note("hint:  see when more is possible with: cratekeeper limits")
    if not wait or not asked.queued:
        if run.out.json_only:
            run.out.write_json(asked.document)
        return asked.code
    code, last = follow_all(run, api, [checked_id(each) for each in asked.queued])
    ended = rendering.download_list([Download.of(one) for one in last], width=run.out.stdout.width)
    run.out.result({**asked.document, "downloads": last}, "", ended)
    return code if code != Exit.OK else asked.code
