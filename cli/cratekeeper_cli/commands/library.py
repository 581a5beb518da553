"""`library …`: browse what is stored, and save it as files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from cratekeeper_cli import rendering, shelf, text
from cratekeeper_cli.answers import Fields, Json, items_of
from cratekeeper_cli.arguments import checked_id
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.tree import Run, Tree

if TYPE_CHECKING:
    from rich.console import RenderableType

_ALBUM = "4u7EnebtmKWzUH433cf5Qv"
_ARTIST = "3TVXtAsR1Inumwj472S9r4"
_TRACK = "7hQJA50XrCWABAu5v6QZ4i"
_ROOMY = 80


@dataclass(frozen=True, slots=True)
class ListOptions:
    """How much to list."""

    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50
    everything: Annotated[bool, typer.Option("--all", help="All there are.")] = False
    ids: Annotated[bool, typer.Option("--ids", help="Only the ids, for other commands.")] = False


@dataclass(frozen=True, slots=True)
class PopularOptions:
    """How much of the chart."""

    limit: Annotated[int, typer.Option(min=1, max=200, help="How many at most.")] = 20


@dataclass(frozen=True, slots=True)
class OneOptions:
    """Which one."""

    id: Annotated[str, typer.Argument(metavar="ID", help="Its id, as lists and `search` print it.")]


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """What to save, and where."""

    ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids of albums, tracks or pictures.")]
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where to; made if it is not there.")] = Path()


def add_to(tree: Tree) -> None:
    """Add the commands of this module."""
    tree.group("library", help_text="Browse what is stored, and save it as files.")
    tree.command(
        "library albums",
        albums,
        examples=["cratekeeper library albums", "cratekeeper library albums --all --ids"],
    )
    tree.command("library artists", artists, examples=["cratekeeper library artists --all"])
    tree.command("library album", album, examples=[f"cratekeeper library album {_ALBUM}"])
    tree.command("library artist", artist, examples=[f"cratekeeper library artist {_ARTIST}"])
    tree.command("library track", track, examples=[f"cratekeeper library track {_TRACK}"])
    tree.command("library popular", popular, examples=["cratekeeper library popular --limit 10"])
    tree.command(
        "library fetch",
        fetch,
        examples=[f"cratekeeper library fetch {_ALBUM} --to ~/Music", f"cratekeeper library fetch {_TRACK}"],
    )


def albums(run: Run, options: ListOptions) -> Exit:
    """List the albums of the library.

    By artist and name if all of them are shown, else in the order of their ids.
    """
    return _list(run, options, "albums")


def artists(run: Run, options: ListOptions) -> Exit:
    """List the artists of the library.

    By name if all of them are shown, else in the order of their ids.
    """
    return _list(run, options, "artists")


def _list(run: Run, options: ListOptions, what: str) -> Exit:
    at_most = None if options.everything else options.limit
    with run.api() as api:
        pages = list(api.pages(f"/v1/catalog/{what}", {}, at_most=at_most))
    items = [item for page in pages for item in items_of(page)][:at_most]
    found: Json = {"items": items, "next_cursor": pages[-1].get("next_cursor")}
    rows = [Fields(item) for item in items]
    if not found["next_cursor"]:
        rows.sort(key=lambda row: ((row.text("artist_name") or "").casefold(), (row.text("name") or "").casefold()))
    table = _table(rows, of_albums=what == "albums", width=run.out.stdout.width)
    if options.ids:
        run.out.result(found, *(row.must("id") for row in rows))
    else:
        run.out.result(found, table if rows else "nothing yet")
    if found["next_cursor"]:
        run.out.note("there are more: raise --limit, or --all")
    return Exit.OK


def _table(rows: Sequence[Fields], *, of_albums: bool, width: int) -> Table:
    table = rendering.plain_table("ID")
    is_roomy = of_albums and width >= _ROOMY
    table.add_column("NAME", overflow="fold", ratio=2)
    if is_roomy:
        table.add_column("ARTIST", no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column("RELEASED", no_wrap=True)
        table.add_column("TRACKS", justify="right", no_wrap=True)
    for row in rows:
        more = [row.text("artist_name") or "", row.text("released") or "", f"{row.count('track_count')}"]
        table.add_row(row.must("id"), row.text("name") or "", *(more if is_roomy else []))
    return table


def album(run: Run, options: OneOptions) -> Exit:
    """Show an album with its tracks."""
    with run.api() as api:
        found = api.get(f"/v1/catalog/albums/{checked_id(options.id, what='an album')}")
    fields = Fields(found)
    title = Text(shelf.title_of(fields, options.id), style="bold")
    tracks = [Fields(item) for item in items_of(found, "tracks")]
    run.out.result(found, title, shelf.track_list(tracks) if tracks else "no tracks")
    return Exit.OK


def artist(run: Run, options: OneOptions) -> Exit:
    """Show an artist.

    For the albums, stored or not: cratekeeper discography ID
    """
    with run.api() as api:
        found = api.get(f"/v1/catalog/artists/{checked_id(options.id, what='an artist')}")
    fields = Fields(found)
    genres = found.get("genres")
    listed = [text.clean(each) for each in genres if isinstance(each, str)] if isinstance(genres, list) else []
    images = [Fields(item) for item in items_of(found, "images")]
    rows: list[tuple[str, RenderableType]] = [
        ("Name", fields.text("name") or options.id),
        ("Id", fields.must("id")),
        *([("Genres", ", ".join(listed))] if listed else []),
        *(("Picture", Text.assemble(image.text("id") or "?", " ", shelf.availability(image))) for image in images),
    ]
    run.out.result(found, rendering.pairs(rows))
    return Exit.OK


def track(run: Run, options: OneOptions) -> Exit:
    """Show a track, and its stored object."""
    with run.api() as api:
        found = api.get(f"/v1/catalog/tracks/{checked_id(options.id, what='a track')}")
    fields = Fields(found)
    media = fields.inner("media")
    stored: list[tuple[str, RenderableType]] = [
        ("Stored at", media.text("key") or "?"),
        ("Size", text.size(media.integer("size"))),
        ("SHA-256", media.text("sha256") or "?"),
    ] if media else []  # fmt: skip
    rows: list[tuple[str, RenderableType]] = [
        ("Name", fields.text("name") or options.id),
        ("Id", fields.must("id")),
        ("Album", fields.text("album_id") or "?"),
        ("Duration", text.span((fields.integer("duration_ms") or 0) / 1000)),
        ("Bytes", shelf.availability(fields)),
        *stored,
    ]
    run.out.result(found, rendering.pairs(rows))
    return Exit.OK


def popular(run: Run, options: PopularOptions) -> Exit:
    """Show what is played most."""
    with run.api() as api:
        found = api.get("/v1/catalog/popular", {"limit": options.limit})
    table = rendering.plain_table("#", "PLAYS", "ID")
    table.add_column("NAME", overflow="fold", ratio=1)
    rows = [Fields(item) for item in items_of(found)]
    for place, row in enumerate(rows, start=1):
        one = row.inner("track") or Fields({})
        table.add_row(f"{place}", f"{row.count('plays'):,}", one.text("id") or "?", one.text("name") or "")
    run.out.result(found, table if rows else "nothing counted yet")
    at = Fields(found).time("counted_at")
    if at:
        run.out.note(f"plays of the last {Fields(found).count('days')} days, counted {text.moment(at)}")
    return Exit.OK


def fetch(run: Run, options: FetchOptions) -> Exit:
    """Save albums, tracks or pictures as files.

    An album gets a folder of its own, with its cover. What was begun goes on where it stopped,
    what is there already is left alone, and every track is checked against the catalog's SHA-256.
    Exit codes: 0 all of it is saved, 8 parts of it are not stored, 5 no such id.
    """
    ids = [checked_id(each, what="a content") for each in options.ids]
    folder = run.host.cwd / options.to.expanduser()
    from cratekeeper_cli.fetching import Fetch  # noqa: PLC0415 - httpx and bars are loaded by who fetches alone

    with run.api() as api:
        told = Fetch(run, api, folder).run(ids)
    document: Json = {"files": [each.document() for each in told]}
    whole = [each for each in told if each.is_whole]
    size_bytes = sum(each.size_bytes or 0 for each in whole)
    said = f"{len(whole)} of {len(told)} files, {text.size(size_bytes)}, in {text.clean(str(folder), limit=1000)}"
    run.out.result(document, said)
    return Exit.OK if len(whole) == len(told) else Exit.INCOMPLETE
