"""A downloader service in memory: a library, scripted failures, and counts of what was asked."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar
from zlib import crc32

from cratekeeper.domain.catalog import Album, Artist, Image, Track
from cratekeeper.domain.discovery import Discography, Found, Subject
from cratekeeper.domain.errors import TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper.ports import Body
from tests.memory import samples
from tests.memory.calls import Calls, fault_point


@dataclass(slots=True)
class MemoryBody:
    """Bytes on their way, in pieces; `wait` passes the time that each piece takes."""

    content_type: str
    length: int | None
    is_framed: bool
    etag: str | None
    offset: int
    pieces: tuple[bytes, ...]
    wait: Callable[[float], None]
    piece_s: float
    breaks_after: int | None = None
    aborted_by: Exception | None = None

    def chunks(self) -> Iterator[bytes]:
        for number, piece in enumerate(self.pieces):
            if number == self.breaks_after:
                raise TransferFailed(ErrorType.CONNECTION, "the connection broke")
            self.wait(self.piece_s)
            if self.aborted_by:
                raise self.aborted_by
            yield piece

    def abort(self, error: Exception) -> None:
        self.aborted_by = error


@dataclass(slots=True)
class Source:
    """The bytes of one track or picture, and how they are served.

    `piece_s` is how long each of the `pieces` takes; `is_declared` whether a length is sent; the
    first answer breaks off after `breaks_once_after` pieces; a deadly one kills whoever asks.
    """

    body: bytes
    content_type: str
    pieces: int = 1
    piece_s: float = 0.0
    is_declared: bool = True
    breaks_once_after: int | None = None
    is_deadly: bool = False


@dataclass(slots=True)
class MemoryProvider:
    """A library, and what is asked of it.

    `later` holds what albums are like from the second time on that they are asked for; `asked`
    counts calls by (method, id); `peak` is the largest number of audio bodies open at once.
    """

    wait: Callable[[float], None]
    calls: Calls = field(default_factory=Calls)
    kill: Callable[[], None] | None = None
    albums: dict[str, tuple[Album, tuple[Track, ...]]] = field(default_factory=dict)
    later: dict[str, list[tuple[Album, tuple[Track, ...]]]] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)
    artists: dict[str, Artist] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    failures: dict[tuple[str, str], list[TransferFailed]] = field(default_factory=dict)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    open_audio: int = 0
    peak: int = 0
    port: str = "provider"

    @fault_point
    def album(self, album_id: str) -> tuple[Album, tuple[Track, ...]]:
        self._ask("album", album_id)
        answer = _found(self.albums, album_id)
        if self.later.get(album_id):
            self.albums[album_id] = self.later[album_id].pop(0)
        return answer

    @fault_point
    def track(self, track_id: str) -> Track:
        self._ask("track", track_id)
        return _found(self.tracks, track_id)

    @fault_point
    def artist(self, artist_id: str) -> Artist:
        self._ask("artist", artist_id)
        return _found(self.artists, artist_id)

    @fault_point
    def search(self, query: str, *, subjects: Sequence[Subject], limit: int) -> tuple[Found, ...]:
        self._ask("search", query)
        found = [each for each in self._everything() if query.casefold() in each.name.casefold()]
        return tuple(each for each in found if each.subject in subjects)[:limit]

    @fault_point
    def discography(self, artist_id: str) -> Discography:
        self._ask("discography", artist_id)
        artist = _found(self.artists, artist_id)
        albums = (album for album, _ in self.albums.values() if artist_id in album.artist_ids)
        return Discography(_result(artist, Subject.ARTIST), tuple(_result(each, Subject.ALBUM) for each in albums))

    @fault_point
    def audio(
        self,
        track_id: str,
        *,
        offset: int = 0,
        etag: str | None = None,
        deadline_s: float,
    ) -> AbstractContextManager[Body]:
        del deadline_s
        self._ask("audio", track_id)
        source = _found(self.sources, track_id)
        if source.is_deadly and self.kill:
            self.kill()
        return self._serving(source, offset=offset if etag == _tag(source) else 0, is_audio=True)

    @fault_point
    def image(self, image_id: str, *, deadline_s: float) -> AbstractContextManager[Body]:
        del deadline_s
        self._ask("image", image_id)
        return self._serving(_found(self.sources, image_id), offset=0, is_audio=False)

    def add_album(self, name: str, *, tracks: int = 1, covers: int = 0, portraits: int = 0) -> str:
        """An album by one artist with as many tracks, covers and portraits; returns its id."""
        artist = Artist(
            id=samples.content_id(f"{name}: artist"),
            name=f"Artist of {name}",
            portraits=tuple(self.add_image(f"{name}: portrait {number}") for number in range(portraits)),
        )
        album = Album(
            id=samples.content_id(name),
            name=name,
            artist_ids=(artist.id,),
            covers=tuple(self.add_image(f"{name}: cover {number}") for number in range(covers)),
            track_ids=tuple(samples.content_id(f"{name}: {number}") for number in range(1, tracks + 1)),
        )
        self.artists[artist.id] = artist
        listed = tuple(self.add_track(f"{name}: {n}", album=album, number=n) for n in range(1, tracks + 1))
        self.albums[album.id] = (album, listed)
        return album.id

    def add_discography(self, name: str, *albums: str, tracks: int = 1) -> str:
        """An artist with albums of these names, each with as many tracks; returns the artist's id."""
        artist = Artist(id=samples.content_id(f"{name}: artist"), name=name)
        self.artists[artist.id] = artist
        for each in albums:
            album, listed = self.albums[self.add_album(each, tracks=tracks)]
            del self.artists[album.artist_ids[0]]
            self.albums[album.id] = (replace(album, artist_ids=(artist.id,)), listed)
        return artist.id

    def add_track(self, name: str, *, album: Album | None = None, number: int = 1, samples_count: int = 256) -> Track:
        """A track, its bytes a WAV file; by itself it belongs to an album that nobody has asked for."""
        track = Track(
            id=samples.content_id(name),
            name=name,
            album_id=album.id if album else samples.content_id(f"{name}: album"),
            artist_ids=album.artist_ids if album else (),
            number=number,
        )
        self.tracks[track.id] = track
        self.sources[track.id] = Source(samples.wav(name, samples_count), "audio/wav")
        return track

    def add_image(self, name: str) -> Image:
        """A picture, its bytes a PNG file."""
        image = Image(id=samples.image_id(name), width=4, height=4)
        self.sources[image.id] = Source(samples.png(name), "image/png")
        return image

    def fail(self, method: str, content_id: str, error_type: ErrorType, *, times: int = 1) -> None:
        """Let the next calls of a method for an id fail."""
        errors = [TransferFailed(error_type, f"{method}: {error_type.value}")] * times
        self.failures.setdefault((method, content_id), []).extend(errors)

    def _everything(self) -> Iterator[Found]:
        yield from (_result(album, Subject.ALBUM) for album, _ in self.albums.values())
        yield from (_result(artist, Subject.ARTIST) for artist in self.artists.values())
        yield from (_result(track, Subject.TRACK) for track in self.tracks.values())

    def _ask(self, method: str, content_id: str) -> None:
        self.asked[method, content_id] += 1
        scripted = self.failures.get((method, content_id))
        if scripted:
            raise scripted.pop(0)

    @contextmanager
    def _serving(self, source: Source, *, offset: int, is_audio: bool) -> Iterator[Body]:
        rest = source.body[offset:]
        size = max(1, -(-len(source.body) // source.pieces))
        self.open_audio += is_audio
        self.peak = max(self.peak, self.open_audio)
        breaks_after, source.breaks_once_after = source.breaks_once_after, None
        try:
            yield MemoryBody(
                content_type=source.content_type,
                length=len(source.body) if source.is_declared else None,
                is_framed=source.is_declared,
                etag=_tag(source),
                offset=offset,
                pieces=tuple(rest[start : start + size] for start in range(0, len(rest), size)),
                wait=self.wait,
                piece_s=source.piece_s,
                breaks_after=breaks_after,
            )
        finally:
            self.open_audio -= is_audio


def _result(record: Album | Artist | Track, subject: Subject) -> Found:
    return Found(id=record.id, subject=subject, name=record.name)


def _tag(source: Source) -> str:
    return f'"{crc32(source.body):08x}"'


V = TypeVar("V")


def _found(library: dict[str, V], content_id: str) -> V:
    try:
        return library[content_id]
    except KeyError:
        raise TransferFailed(ErrorType.NOT_FOUND, f"no {content_id}") from None
