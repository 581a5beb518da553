"""Descriptions of albums, from which a library is built: two built-in shelves, or a file."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cratekeeper_local.provider.ids import content_id

Format = Literal["mp3", "flac", "ogg", "wav", "m4a", "aac"]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class ShelfUnreadable(Exception):
    """A library file that cannot be read or does not describe albums; the text says why."""


class AlbumSpec(BaseModel):
    """One album to make up.

    `tracks` are names, or a number of tracks named by number. `missing` are 1-based
    ordinals whose audio answers 404. `wav_bytes` makes every track a WAV file of exactly
    that size. `formats` are used in turn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    artists: tuple[Name, ...] = Field(min_length=1)
    tracks: tuple[Name, ...] | Annotated[int, Field(ge=0, le=20_000)] = ()
    seconds: float = Field(default=1.0, ge=0.2, le=600)
    formats: tuple[Format, ...] = Field(default=("mp3",), min_length=1)
    discs: int = Field(default=1, ge=1, le=100)
    covers: int = Field(default=1, ge=0, le=100)
    missing: tuple[int, ...] = ()
    wav_bytes: int | None = Field(default=None, ge=1_000, le=4_000_000_000)
    album_type: Literal["album", "single", "ep", "compilation"] = "album"
    label: str = "Cratekeeper Demo"
    genres: tuple[str, ...] = ("ambient",)
    year: int = Field(default=2024, ge=1970, le=2100)

    @property
    def track_names(self) -> tuple[str, ...]:
        """The name of each track in playing order."""
        if isinstance(self.tracks, int):
            return tuple(f"Track {n:02}" for n in range(1, self.tracks + 1))
        return self.tracks


class Shelf(BaseModel):
    """A library file: ``{"albums": [{"name": …, "artists": […], "tracks": 3}, …]}``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    albums: tuple[AlbumSpec, ...] = Field(min_length=1)


FIELD_RECORDINGS: Final = AlbumSpec(
    name="Field Recordings",
    artists=("The Field Recorders",),
    tracks=(
        "Morning Kettle",
        "Tram at the Corner",
        "Rain on Tin",
        "Swing Gate",
        "Two Bicycles",
        "Kitchen Radio",
        "Lighthouse Stairs",
        "Wind in Wires",
        "Market Bell",
        "Slow Ferry",
        "Crickets",
        "Last Lamp",
    ),
    seconds=3.0,
    formats=("mp3", "flac", "ogg", "wav", "m4a", "aac"),
)
DEMO_ALBUM_ID: Final = content_id("album", FIELD_RECORDINGS.name)

_SMALL: Final = (
    FIELD_RECORDINGS,
    AlbumSpec(name="Blank Tape", artists=("The Field Recorders",), covers=0),
    AlbumSpec(
        name="Dial Tone",
        artists=("Sample and Hold",),
        tracks=("Dial Tone",),
        seconds=2.0,
        formats=("flac",),
        album_type="single",
    ),
    AlbumSpec(
        name="Three Sketches",
        artists=("Sample and Hold",),
        tracks=("Pencil", "Charcoal", "Ink"),
        formats=("ogg", "mp3", "m4a"),
        album_type="ep",
    ),
    AlbumSpec(name="Thirty Short Walks", artists=("Tin Roof Choir",), tracks=30, discs=2),
    AlbumSpec(
        name="Hundred and Twenty Blinks",
        artists=("Tin Roof Choir",),
        tracks=120,
        seconds=0.4,
        formats=("flac",),
        discs=3,
    ),
    AlbumSpec(
        name="Missing Reel",
        artists=("The Field Recorders",),
        tracks=("Reel One", "Reel Two", "Reel Three", "Reel Four"),
        missing=(3,),
    ),
    AlbumSpec(
        name="Shared Rooms",
        artists=("Sample and Hold", "Tin Roof Choir"),
        tracks=("Hallway", "Stairwell", "Attic"),
        covers=2,
        album_type="compilation",
    ),
    AlbumSpec(
        name="Overnight Recording",
        artists=("The Field Recorders",),
        tracks=("Overnight",),
        seconds=4.0,
        formats=("wav",),
        wav_bytes=64 * 2**20,
    ),
)

_TINY: Final = (
    AlbumSpec(
        name="Three Sketches",
        artists=("Sample and Hold",),
        tracks=("Pencil", "Charcoal", "Ink"),
        seconds=0.5,
        album_type="ep",
    ),
)

SHELVES: Final[Mapping[str, tuple[AlbumSpec, ...]]] = MappingProxyType({"small": _SMALL, "tiny": _TINY})


def named(name_or_file: str) -> tuple[AlbumSpec, ...]:
    """The albums of a built-in shelf ("small", "tiny") or of a JSON file (see `Shelf`).

    Raises ShelfUnreadable.
    """
    if name_or_file in SHELVES:
        return SHELVES[name_or_file]
    try:
        return Shelf.model_validate_json(Path(name_or_file).read_bytes()).albums
    except OSError as error:
        raise ShelfUnreadable(f"{name_or_file}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "file"
        raise ShelfUnreadable(f"{name_or_file}: {place}: {first['msg']}") from error
