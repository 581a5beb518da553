"""`search` and `discography`: find out what can be requested."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cratekeeper_cli.answers import Fields, Json, items_of
from cratekeeper_cli.arguments import checked_id
from cratekeeper_cli.errors import BadInput
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.rendering import plain_table
from cratekeeper_cli.tree import Run, Tree

_ARTIST = "3TVXtAsR1Inumwj472S9r4"
_MOST = 200
_ROOMY = 80


class Type(StrEnum):
    """What can be searched for."""

    ALBUM = "album"
    ARTIST = "artist"
    TRACK = "track"


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What to look for."""

    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="A name, or a part of one.")]
    type: Annotated[Type | None, typer.Option(case_sensitive=False, help="Only this; by default all three.")] = None
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many at most.")] = 20


@dataclass(frozen=True, slots=True)
class DiscographyOptions:
    """Whose albums."""

    artist_id: Annotated[str, typer.Argument(metavar="ARTIST", help="Artist id, as `search` prints it.")]


def add_to(tree: Tree) -> None:
    """Add the commands of this module."""
    tree.command(
        "search",
        search,
        examples=[
            "cratekeeper search night drive",
            "cratekeeper search --type artist examples",
            "cratekeeper search --type album --limit 5 --json night",
        ],
    )
    tree.command(
        "discography",
        discography,
        examples=[f"cratekeeper discography {_ARTIST}", f"cratekeeper discography {_ARTIST} --json"],
    )


def search(run: Run, options: SearchOptions) -> Exit:
    """Search for albums, artists and tracks by name.

    STATE says what is in the catalog or in the queue already. Then ask for it by its id:
    cratekeeper request album|track|discography ID
    """
    words = " ".join(options.words).strip()
    if not words:
        raise BadInput("nothing to search for")
    wanted = {"type": options.type.value} if options.type else {}
    with run.api() as api:
        found = api.get("/v1/search", {"q": words, "limit": options.limit, **wanted})
    rows = _results(found)
    run.out.result(found, _table(rows, width=run.out.stdout.width) if rows else "nothing found")
    return Exit.OK


def discography(run: Run, options: DiscographyOptions) -> Exit:
    """List the albums of an artist.

    Ask for all of them with: cratekeeper request discography ARTIST
    """
    with run.api() as api:
        found = api.get(f"/v1/artists/{checked_id(options.artist_id, what='an artist')}/discography")
    artist = Fields(found).inner("artist") or Fields({})
    rows = [Fields(item) for item in items_of(found, "albums")]
    title = Text(artist.text("name") or options.artist_id, style="bold")
    run.out.result(found, title, _table(rows, width=run.out.stdout.width) if rows else "no albums")
    return Exit.OK


def _results(found: Json) -> list[Fields]:
    return [Fields(item) for item in items_of(found)]


def _table(rows: Sequence[Fields], *, width: int) -> Table:
    table = plain_table("ID", "TYPE", "STATE")
    table.add_column("NAME", overflow="fold", ratio=2)
    is_roomy = width >= _ROOMY
    if is_roomy:
        table.add_column("ARTIST", no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column("YEAR", no_wrap=True)
    for row in rows:
        more = [row.text("artist_name") or "", str(row.integer("year") or "")] if is_roomy else []
        table.add_row(row.text("id") or "?", row.text("type") or "", _state(row), row.text("name") or "", *more)
    return table


def _state(row: Fields) -> str:
    if row.flag("in_catalog"):
        return "in catalog"
    return "in queue" if row.flag("in_queue") else ""
