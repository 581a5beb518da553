"""The contract's routes over a library: metadata as JSON, audio and images as bytes."""

from typing import TYPE_CHECKING, TypeVar

from cratekeeper_local.provider.ids import CONTENT_ID, FILE_ID
from cratekeeper_local.provider.library import Album, Library, Picture, Track
from cratekeeper_local.provider.messages import Answer, Request
from cratekeeper_local.provider.press import Press
from cratekeeper_local.provider.ranges import in_range
from cratekeeper_local.provider.refusals import Refused
from cratekeeper_local.provider.search import result_row, search

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Json = dict[str, object]
Entry = TypeVar("Entry")


class Routes:
    """Answers well-behaved: what a request deserves by the contract alone."""

    def __init__(self, library: Library, press: Press) -> None:
        self._library = library
        self._press = press
        self._by_id: dict[tuple[str, ...], Callable[[str, Request], Awaitable[Answer]]] = {
            ("artist",): self._artist,
            ("artist", "discography"): self._discography,
            ("album",): self._album,
            ("album", "tracks"): self._album_tracks,
            ("track",): self._track,
            ("track", "audio"): self._audio,
            ("image",): self._image,
        }

    async def answer(self, request: Request) -> Answer:
        """The answer to GET and HEAD alike; raises Refused."""
        if request.method not in {"GET", "HEAD"}:
            raise Refused(405, "only GET and HEAD are served")
        match request.segments:
            case ("health",):
                return Answer.json({"status": "ok"})
            case ("search",):
                return Answer.json(search(self._library, request))
            case (kind, wanted, *rest) if (kind, *rest) in self._by_id:
                _check_shape(kind, wanted)
                return await self._by_id[kind, *rest](wanted, request)
            case _:
                raise Refused(404, "no such route")

    async def _artist(self, artist_id: str, _request: Request) -> Answer:
        artist = _found(self._library.artists.get(artist_id), "artist")
        return Answer.json({
            "id": artist.id,
            "name": artist.name,
            "genre": artist.genres,
            "portraits": [await self._image_row(picture) for picture in artist.portraits],
        })

    async def _discography(self, artist_id: str, request: Request) -> Answer:
        artist = _found(self._library.artists.get(artist_id), "artist")
        albums = self._library.albums_of(artist_id)
        return Answer.json({
            "artist": result_row(self._library, artist, request),
            "albums": [result_row(self._library, album, request) for album in albums],
        })

    async def _album(self, album_id: str, _request: Request) -> Answer:
        album = _found(self._library.albums.get(album_id), "album")
        return Answer.json({
            "id": album.id,
            "name": album.name,
            "album_type": album.album_type,
            "artists_ids": album.artist_ids,
            "label": album.label,
            "date": album.date_s,
            "genres": album.genres,
            "covers": [await self._image_row(picture) for picture in album.covers],
            "discs": _discs(album),
        })

    async def _album_tracks(self, album_id: str, _request: Request) -> Answer:
        album = _found(self._library.albums.get(album_id), "album")
        return Answer.json([_track_row(track) for track in album.tracks])

    async def _track(self, track_id: str, _request: Request) -> Answer:
        return Answer.json(_track_row(_found(self._library.tracks.get(track_id), "track")))

    async def _audio(self, track_id: str, request: Request) -> Answer:
        track = _found(self._library.tracks.get(track_id), "track")
        if track.is_missing:
            raise Refused(404, "this track has no audio")
        media = await self._press.media(track.sound, edition=request.edition)
        return _ranged(Answer.media(media), request)

    async def _image(self, picture_id: str, request: Request) -> Answer:
        picture = _found(self._library.pictures.get(picture_id), "image")
        media = await self._press.media(picture, edition=request.edition)
        return _ranged(Answer.media(media), request)

    async def _image_row(self, picture: Picture) -> Json:
        media = await self._press.media(picture)
        size_bytes = media.content.size_bytes
        return {"id": picture.id, "size": size_bytes, "width": picture.side, "height": picture.side}


def _found(entry: Entry | None, kind: str) -> Entry:
    if entry is None:
        raise Refused(404, f"no such {kind}")
    return entry


def _check_shape(kind: str, wanted: str) -> None:
    shape = FILE_ID if kind == "image" else CONTENT_ID
    if shape.fullmatch(wanted) is None:
        raise Refused(400, f"this is not the id of an {kind}")


def _ranged(answer: Answer, request: Request) -> Answer:
    # RFC 9110 defines Range for GET only.
    return in_range(answer, request.headers) if request.method == "GET" else answer


def _discs(album: Album) -> list[Json]:
    numbers = sorted({track.disc_number for track in album.tracks})
    return [
        {
            "number": number,
            "name": f"Disc {number}",
            "tracks": [track.id for track in album.tracks if track.disc_number == number],
        }
        for number in numbers
    ]


def _track_row(track: Track) -> Json:
    return {
        "id": track.id,
        "name": track.name,
        "album_id": track.album_id,
        "artists_ids": track.artist_ids,
        "number": track.number,
        "disc_number": track.disc_number,
        "duration": track.sound.duration_ms,
        "is_explicit": False,
    }
