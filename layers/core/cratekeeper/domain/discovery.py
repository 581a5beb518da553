"""What the provider's search and discographies say."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

MOST_RESULTS: Final = 200
"""Results of one search."""

MOST_ALBUMS: Final = 2000
"""Albums of one discography."""


class Subject(StrEnum):
    """What can be searched for; the values are those of the HTTP contract and of the provider."""

    ALBUM = "album"
    ARTIST = "artist"
    TRACK = "track"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One result: names are on one line; `image_url` is http(s) or None; `year` as the provider says it."""

    id: str
    subject: Subject
    name: str
    artist_name: str | None = None
    image_url: str | None = None
    year: int | None = None


class Discography(NamedTuple):
    """An artist and their albums, each once."""

    artist: Found
    albums: tuple[Found, ...]
