"""What the demo library holds: artists, albums, tracks and pictures, all by id."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from cratekeeper_local.provider.ids import content_id, file_id
from cratekeeper_local.provider.shelf import AlbumSpec

PICTURE_PIXELS: Final = 640
WAV_HEAD_BYTES: Final = 44
WAV_BYTES_PER_S: Final = 44_100 * 4
CONTENT_TYPES: Final[Mapping[str, str]] = MappingProxyType({
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
})


@dataclass(frozen=True, slots=True)
class Picture:
    """A cover or portrait, `side` pixels wide and high, drawn from its seed and title."""

    id: str
    title: str
    seed: str
    side: int = PICTURE_PIXELS

    @property
    def content_type(self) -> str:
        """Pictures are JPEG."""
        return "image/jpeg"


@dataclass(frozen=True, slots=True)
class Sound:
    """How a track sounds: the seed of its tune, its encoding and its length.

    `wav_bytes` asks for a WAV file of exactly that size instead, the tune repeated.
    """

    seed: str
    format: str
    seconds: float
    wav_bytes: int | None = None

    @property
    def content_type(self) -> str:
        """The type that goes with the format."""
        return CONTENT_TYPES[self.format]

    @property
    def duration_ms(self) -> int:
        """Playing time in whole milliseconds."""
        if self.wav_bytes is None:
            return round(self.seconds * 1000)
        return (self.wav_bytes - WAV_HEAD_BYTES) * 1000 // WAV_BYTES_PER_S


@dataclass(frozen=True, slots=True)
class Artist:
    """One artist; `portraits` holds one picture."""

    id: str
    name: str
    genres: tuple[str, ...]
    portraits: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Track:
    """One track; a missing one is listed but its audio answers 404."""

    id: str
    name: str
    album_id: str
    artist_ids: tuple[str, ...]
    number: int
    disc_number: int
    sound: Sound
    is_missing: bool


@dataclass(frozen=True, slots=True)
class Album:
    """One album, its tracks in playing order; `date_s` is a Unix time."""

    id: str
    name: str
    album_type: str
    artist_ids: tuple[str, ...]
    label: str
    date_s: int
    genres: tuple[str, ...]
    covers: tuple[Picture, ...]
    tracks: tuple[Track, ...]

    @property
    def year(self) -> int:
        """The year of release."""
        return datetime.fromtimestamp(self.date_s, UTC).year


@dataclass(frozen=True, slots=True)
class Library:
    """Everything that is served, each kind by its id."""

    artists: Mapping[str, Artist]
    albums: Mapping[str, Album]
    tracks: Mapping[str, Track]
    pictures: Mapping[str, Picture]

    @classmethod
    def of(cls, shelf: Sequence[AlbumSpec]) -> "Library":
        """Build the library that a shelf describes; later namesakes replace earlier ones."""
        artists = {artist.id: artist for spec in shelf for artist in _artists(spec)}
        albums = {album.id: album for album in map(_album, shelf)}
        tracks = {track.id: track for album in albums.values() for track in album.tracks}
        return cls(artists, albums, tracks, _pictures(artists.values(), albums.values()))

    def albums_of(self, artist_id: str) -> list[Album]:
        """An artist's albums in the order of the shelf."""
        return [album for album in self.albums.values() if artist_id in album.artist_ids]


def _artists(spec: AlbumSpec) -> Iterable[Artist]:
    for name in spec.artists:
        portrait = _picture(f"portrait of {name}", title=name)
        yield Artist(content_id("artist", name), name, spec.genres, (portrait,))


def _picture(name: str, *, title: str) -> Picture:
    return Picture(file_id(name), title, seed=name)


def _album(spec: AlbumSpec) -> Album:
    covers = (_picture(f"cover {n} of {spec.name}", title=spec.name) for n in range(spec.covers))
    return Album(
        id=content_id("album", spec.name),
        name=spec.name,
        album_type=spec.album_type,
        artist_ids=tuple(content_id("artist", name) for name in spec.artists),
        label=spec.label,
        date_s=int(datetime(spec.year, 6, 1, tzinfo=UTC).timestamp()),
        genres=spec.genres,
        covers=tuple(covers),
        tracks=tuple(_tracks(spec)),
    )


def _tracks(spec: AlbumSpec) -> Iterable[Track]:
    names = spec.track_names
    per_disc = -(-len(names) // spec.discs)
    for ordinal, name in enumerate(names, start=1):
        disc, place = divmod(ordinal - 1, per_disc)
        seed = f"{spec.name}/{ordinal}"
        encoding = "wav" if spec.wav_bytes else spec.formats[(ordinal - 1) % len(spec.formats)]
        yield Track(
            id=content_id("track", seed),
            name=name,
            album_id=content_id("album", spec.name),
            artist_ids=tuple(content_id("artist", artist) for artist in spec.artists),
            number=place + 1,
            disc_number=disc + 1,
            sound=Sound(seed, encoding, spec.seconds, spec.wav_bytes),
            is_missing=ordinal in spec.missing,
        )


def _pictures(artists: Iterable[Artist], albums: Iterable[Album]) -> dict[str, Picture]:
    portraits = (picture for artist in artists for picture in artist.portraits)
    covers = (picture for album in albums for picture in album.covers)
    return {picture.id: picture for picture in (*portraits, *covers)}
