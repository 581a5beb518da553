"""How the library is shown."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from rich.table import Table
from rich.text import Text

from cratekeeper_cli import rendering, text
from cratekeeper_cli.answers import Fields

STYLES: Final = MappingProxyType({
    "available": "green",
    "fetching": "cyan",
    "missing": "bright_black",
    "unavailable": "bold red",
})
WORDS: Final = MappingProxyType({"available": "stored", "missing": "not stored"})
AVAILABLE: Final = "available"


def title_of(album: Fields, album_id: str) -> str:
    """`name – artist`, or what there is of it."""
    name, artist = album.text("name") or album_id, album.text("artist_name")
    return f"{name} – {artist}" if artist else name


def availability(content: Fields) -> Text:
    """Whether the bytes are there, in a word of its colour."""
    said = content.text("availability") or "?"
    return Text(WORDS.get(said, said), style=STYLES.get(said, ""))


def track_list(tracks: Sequence[Fields]) -> Table:
    """The tracks of an album, in its order; discs are named where there is more than one."""
    has_discs = len({track.integer("disc") for track in tracks}) > 1
    table = rendering.plain_table("#", "ID", "BYTES", "SIZE", "TIME")
    table.add_column("NAME", no_wrap=True, overflow="ellipsis", ratio=1)
    for place, track in enumerate(tracks, start=1):
        number = f"{track.integer('number') or place}"
        disc = f"{track.integer('disc') or 1}-" if has_discs else ""
        media = track.inner("media")
        size = text.size(media.integer("size") if media else None)
        time = text.span((track.integer("duration_ms") or 0) / 1000)
        table.add_row(f"{disc}{number}", track.text("id"), availability(track), size, time, track.text("name") or "")
    return table
