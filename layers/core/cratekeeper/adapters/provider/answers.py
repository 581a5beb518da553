"""The provider's JSON, validated: unknown fields are ignored, a missing one is a `parse` error."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Annotated, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, FailFast, Field, TypeAdapter, ValidationError

from cratekeeper.domain.catalog import Album, Artist, Image, Track
from cratekeeper.domain.discovery import MOST_ALBUMS, Discography, Found, Subject
from cratekeeper.domain.errors import TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.text import one_line

NAME_BYTES: Final = 1000
"""Longest name that the catalog keeps, in bytes."""

VALUES: Final = 300_000
"""Most values in one answer: in four megabytes fit millions of empty lists, of 90 bytes of memory each."""

TRACKS_MAX: Final = 20_000
RESULTS_MAX: Final = 10_000

URL_CHARACTERS: Final = 2000
"""A longer picture URL is left out."""

ContentId = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{22}$")]
ImageId = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Number = Annotated[int, Field(ge=-(2**53), le=2**53)]
"""What every JSON reader takes for a whole number, and the catalog can hold."""

T = TypeVar("T")
R = TypeVar("R", Album, Artist, Track, Found)
Listed = Annotated[list[T], FailFast()]
"""Given up at the first bad entry: a million errors would take gigabytes."""


class ImageAnswer(BaseModel):
    """A picture of an album or artist."""

    id: ImageId
    width: Number = 0
    height: Number = 0

    def image(self) -> Image:
        """The domain's value."""
        return Image(id=self.id, width=self.width, height=self.height)


class DiscAnswer(BaseModel):
    """A disc with its tracks in order."""

    number: Number = 1
    tracks: Listed[ContentId]


class AlbumAnswer(BaseModel):
    """`GET /album/{id}`."""

    id: ContentId
    name: str
    album_type: str = ""
    artists_ids: Listed[ContentId]
    label: str = ""
    date: Number | None = None
    genres: Listed[str] = []
    covers: Listed[ImageAnswer] = []
    discs: Listed[DiscAnswer] = []

    def album(self) -> Album:
        """The domain's value, its tracks disc by disc."""
        discs = sorted(self.discs, key=lambda disc: disc.number)
        return Album(
            id=self.id,
            name=_name(self.name),
            album_type=_name(self.album_type),
            artist_ids=tuple(dict.fromkeys(self.artists_ids)),
            label=_name(self.label),
            released=self.date,
            genres=tuple(_name(each) for each in self.genres[:20]),
            covers=tuple(each.image() for each in self.covers),
            track_ids=tuple(dict.fromkeys(track for disc in discs for track in disc.tracks)),
        )


class TrackAnswer(BaseModel):
    """`GET /track/{id}`, and one entry of `GET /album/{id}/tracks`."""

    id: ContentId
    name: str
    album_id: ContentId
    artists_ids: Listed[ContentId] = []
    number: Number = 0
    disc_number: Number = 1
    duration: Number = 0
    is_explicit: bool = False

    def track(self) -> Track:
        """The domain's value."""
        return Track(
            id=self.id,
            name=_name(self.name),
            album_id=self.album_id,
            artist_ids=tuple(self.artists_ids),
            number=self.number,
            disc=self.disc_number,
            duration_ms=self.duration,
            is_explicit=self.is_explicit,
        )


class ArtistAnswer(BaseModel):
    """`GET /artist/{id}`."""

    id: ContentId
    name: str
    genre: Listed[str] = []
    portraits: Listed[ImageAnswer] = []

    def artist(self) -> Artist:
        """The domain's value."""
        return Artist(
            id=self.id,
            name=_name(self.name),
            genres=tuple(_name(each) for each in self.genre[:20]),
            portraits=tuple(each.image() for each in self.portraits),
        )


class ResultAnswer(BaseModel):
    """One entry of `GET /search`, and the artist and albums of a discography."""

    id: ContentId
    type: Subject
    name: str
    artist_name: str | None = None
    image_url: str | None = None
    year: Number | None = None

    def found(self) -> Found:
        """The domain's value."""
        return Found(
            id=self.id,
            subject=self.type,
            name=_name(self.name),
            artist_name=None if self.artist_name is None else _name(self.artist_name),
            image_url=_picture(self.image_url),
            year=self.year,
        )


class DiscographyAnswer(BaseModel):
    """`GET /artist/{id}/discography`."""

    artist: ResultAnswer
    albums: Annotated[Listed[ResultAnswer], Field(max_length=RESULTS_MAX)]

    def discography(self) -> Discography:
        """The domain's value."""
        return Discography(self.artist.found(), _once(self.albums, {Subject.ALBUM}, MOST_ALBUMS))


ALBUM = TypeAdapter(AlbumAnswer)
ARTIST = TypeAdapter(ArtistAnswer)
TRACK = TypeAdapter(TrackAnswer)
TRACKS = TypeAdapter(Annotated[Listed[TrackAnswer], Field(max_length=TRACKS_MAX)])
RESULTS = TypeAdapter(Annotated[Listed[ResultAnswer], Field(max_length=RESULTS_MAX)])
DISCOGRAPHY = TypeAdapter(DiscographyAnswer)


def results(answers: list[ResultAnswer], subjects: Iterable[Subject], limit: int) -> tuple[Found, ...]:
    """The results of the subjects that were asked for, each once, at most `limit`."""
    return _once(answers, frozenset(subjects), limit)


def parsed(shape: TypeAdapter[T], body: bytearray) -> T:
    """The body as that shape. Raises TransferFailed of class `parse`, naming the first bad place."""
    if sum(map(body.count, (b",", b"[", b"{"))) > VALUES:
        raise TransferFailed(ErrorType.PARSE, f"more than {VALUES} values")
    try:
        return shape.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise TransferFailed(ErrorType.PARSE, f"{place}: {first['msg']}") from None


def check_id(record: R, asked: str) -> R:
    """The record, if it is the one that was asked for. Raises TransferFailed of class `parse`."""
    if record.id != asked:
        raise TransferFailed(ErrorType.PARSE, f"id: asked for {asked}, got {record.id}")
    return record


def _once(answers: Iterable[ResultAnswer], subjects: AbstractSet[Subject], limit: int) -> tuple[Found, ...]:
    first = {(each.type, each.id): each for each in reversed([*answers])}
    wanted = [each for each in reversed(first.values()) if each.type in subjects]
    return tuple(each.found() for each in wanted[:limit])


def _picture(url: str | None) -> str | None:
    """A picture's URL, if a page may show it: http(s), and of reasonable length."""
    if url is None or len(url) > URL_CHARACTERS or not url.isascii() or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.netloc else None


def _name(text: str) -> str:
    return one_line(text, at_most=NAME_BYTES)
