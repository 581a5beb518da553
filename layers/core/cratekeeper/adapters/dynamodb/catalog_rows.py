"""Artists, albums and tracks as rows of the catalog table, and back.

    A#   {album}    an album: its names, its covers, and its tracks in order
    R#   {artist}   an artist with portraits
    T#{track}   M   a track

Albums lie in one partition and artists in another, in the order of their ids, so that lists are queries and
need no index (docs/adr/0016). What a picture or a track is fetched by is a root in `f` and an ordinal in `o`.

Texts and numbers come from the provider and may be huge or odd: they are cut to what a row can hold.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from cratekeeper.adapters.dynamodb.attributes import Item, attribute, plain
from cratekeeper.adapters.dynamodb.keys import primary
from cratekeeper.domain.catalog import Album, Artist, Entry, Image, StoredAlbum, Track
from cratekeeper.domain.ids import child_id, split

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cratekeeper.domain.catalog import Metadata

ALBUMS: Final = "A#"
ARTISTS: Final = "R#"
"""The partitions of all albums and of all artists."""

TEXT_BYTES: Final = 1024
"""A text of the provider is cut here."""

LISTED: Final = 100
"""Genres, pictures and artists of one row that are kept."""

LARGEST: Final = 10**15
"""A number of the provider is brought within this; the service takes 38 digits."""


def album_at(album_id: str) -> Item:
    """Where an album lies."""
    return primary(ALBUMS, album_id)


def artist_at(artist_id: str) -> Item:
    """Where an artist lies."""
    return primary(ARTISTS, artist_id)


def track_at(track_id: str) -> Item:
    """Where a track lies."""
    return primary(f"T#{track_id}", "M")


def album_row(metadata: Metadata) -> Item:
    """The row of the album."""
    album: Album = metadata.album
    names = {artist.id: artist.name for artist in metadata.artists}
    artist_name = next((names[each] for each in album.artist_ids if each in names), "")
    return _row(
        album_at(album.id),
        n=_text(album.name),
        an=_text(artist_name),
        t=_text(album.album_type),
        ar=_texts(album.artist_ids),
        l=_text(album.label),
        re=None if album.released is None else str(_number(album.released)),
        g=_texts(album.genres),
        cv=_images(album.covers),
        tr=album.track_ids,
        f=_root_of(album.covers),
    )


def artist_row(artist: Artist) -> Item:
    """The row of an artist."""
    return _row(
        artist_at(artist.id),
        n=_text(artist.name),
        g=_texts(artist.genres),
        po=_images(artist.portraits),
        f=_root_of(artist.portraits),
    )


def track_row(track: Track) -> Item:
    """The row of a track."""
    return _row(
        track_at(track.id),
        n=_text(track.name),
        al=track.album_id,
        ar=_texts(track.artist_ids),
        no=_number(track.number),
        di=_number(track.disc),
        ms=_number(track.duration_ms),
        x=track.is_explicit,
        f=_root_of([track]),
        o=_ordinal_of(track),
    )


def stored_album_in(item: Item) -> StoredAlbum:
    """What a request asks of an album's row."""
    found: dict[str, Any] = plain(item)
    return StoredAlbum(
        id=found["sk"],
        name=found.get("n", ""),
        artist_name=found.get("an"),
        track_ids=tuple(found.get("tr", ())),
    )


def entry_in(item: Item) -> Entry:
    """The album of a row."""
    found: dict[str, Any] = plain(item)
    album = Album(
        id=found["sk"],
        name=found.get("n", ""),
        album_type=found.get("t", ""),
        artist_ids=tuple(found.get("ar", ())),
        label=found.get("l", ""),
        released=int(found["re"]) if "re" in found else None,
        genres=tuple(found.get("g", ())),
        covers=_images_in(found, "cv"),
        track_ids=tuple(found.get("tr", ())),
    )
    return Entry(album, found.get("an"))


def artist_in(item: Item) -> Artist:
    """The artist of a row."""
    found: dict[str, Any] = plain(item)
    return Artist(
        id=found["sk"],
        name=found.get("n", ""),
        genres=tuple(found.get("g", ())),
        portraits=_images_in(found, "po"),
    )


def track_in(item: Item) -> Track:
    """The track of a row."""
    found: dict[str, Any] = plain(item)
    return Track(
        id=found["pk"].partition("#")[2],
        name=found.get("n", ""),
        album_id=found.get("al", ""),
        artist_ids=tuple(found.get("ar", ())),
        number=found.get("no", 0),
        disc=found.get("di", 0),
        duration_ms=found.get("ms", 0),
        is_explicit=found.get("x", False),
        fetched_by=_fetched_by(found, found.get("f")),
    )


def _row(key: Item, **values: object) -> Item:
    """A row without what is empty."""
    return key | {name: attribute(value) for name, value in values.items() if value}


def _text(text: str) -> str:
    """What UTF-8 can say of a text, cut; half a surrogate pair becomes a question mark."""
    return text[:TEXT_BYTES].encode("utf-8", "replace")[:TEXT_BYTES].decode("utf-8", "ignore")


def _texts(texts: Iterable[str]) -> list[str]:
    return [_text(text) for text in islice(texts, LISTED)]


def _number(number: int) -> int:
    return max(-LARGEST, min(number, LARGEST))


def _images(images: Iterable[Image]) -> list[dict[str, object]]:
    return [_image(each) for each in islice(images, LISTED)]


def _image(image: Image) -> dict[str, object]:
    ordinal = _ordinal_of(image)
    at = {"o": ordinal} if ordinal else {}
    return {"i": image.id, "w": _number(image.width), "h": _number(image.height), **at}


def _images_in(found: dict[str, Any], name: str) -> tuple[Image, ...]:
    root = found.get("f")
    return tuple(
        Image(id=each["i"], width=each["w"], height=each["h"], fetched_by=_fetched_by(each, root))
        for each in found.get(name, ())
    )


def _root_of(contents: Iterable[Image | Track]) -> str | None:
    """The root whose children fetch them: an album's expansion assigns all of a row, or none."""
    return next((split(each.fetched_by)[0] for each in contents if each.fetched_by), None)


def _ordinal_of(content: Image | Track) -> int | None:
    return split(content.fetched_by)[1] if content.fetched_by else None


def _fetched_by(found: dict[str, Any], root: str | None) -> str | None:
    return child_id(root, found["o"]) if root and "o" in found else None
