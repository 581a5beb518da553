"""Catalog records, and the plan of an album's children."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from cratekeeper.domain.ids import child_id
from cratekeeper.domain.models import ChildPlan, Kind, Media
from cratekeeper.domain.text import one_line


class Availability(StrEnum):
    """Whether the bytes of a track or image are there; the values are those of the HTTP contract."""

    AVAILABLE = "available"
    MISSING = "missing"
    FETCHING = "fetching"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture as the provider describes it; `id` is 40 lower-case hex digits.

    `fetched_by` is the child that was to fetch it when it was ingested last; None = none was planned.
    """

    id: str
    width: int = 0
    height: int = 0
    fetched_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A track; `duration_ms` as the provider says it, `fetched_by` as of an Image."""

    id: str
    name: str
    album_id: str
    artist_ids: tuple[str, ...] = ()
    number: int = 0
    disc: int = 1
    duration_ms: int = 0
    is_explicit: bool = False
    fetched_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artist:
    """An artist with portraits."""

    id: str
    name: str
    genres: tuple[str, ...] = ()
    portraits: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Album:
    """An album; `track_ids` in album order (disc by disc), `released` in Unix seconds."""

    id: str
    name: str
    album_type: str = ""
    artist_ids: tuple[str, ...] = ()
    label: str = ""
    released: int | None = None
    genres: tuple[str, ...] = ()
    covers: tuple[Image, ...] = ()
    track_ids: tuple[str, ...] = ()


class Entry(NamedTuple):
    """An album of the catalog, and the name of its first known artist."""

    album: Album
    artist_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlbum:
    """What a request asks of a stored album: its names and its tracks in album order."""

    id: str
    name: str
    artist_name: str | None
    track_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRow:
    """The catalog's row of one track's or image's object; `media` is None where there never was one."""

    content_id: str
    kind: Kind
    media: Media | None
    availability: Availability = Availability.AVAILABLE

    @property
    def stored(self) -> Media | None:
        """The object, if its bytes are there as far as the catalog knows."""
        return self.media if self.availability is Availability.AVAILABLE else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Everything fetched about an album: what the catalog ingests and the plan is made of."""

    album: Album
    tracks: tuple[Track, ...]
    artists: tuple[Artist, ...]


def album_order(album: Album, tracks: Iterable[Track]) -> tuple[Track, ...]:
    """Each track once, in the album's own order; tracks that the album does not list come last by disc and number."""
    by_id = {track.id: track for track in tracks}
    listed = [by_id.pop(track_id) for track_id in dict.fromkeys(album.track_ids) if track_id in by_id]
    rest = sorted(by_id.values(), key=lambda track: (track.disc, track.number, track.id))
    return (*listed, *rest)


def plan(metadata: Metadata, stored: Mapping[str, MediaRow]) -> tuple[ChildPlan, ...]:
    """The children of an album: tracks in album order, then its covers, then its artists' portraits.

    Each content once (P-12). `stored` holds the media rows that the catalog has already.
    """
    names = {artist.id: one_line(artist.name) for artist in metadata.artists}
    children = [
        ChildPlan(
            kind=Kind.TRACK,
            content_id=track.id,
            content_name=one_line(track.name),
            artist_name=next((names[each] for each in track.artist_ids if each in names), None),
        )
        for track in metadata.tracks
    ]
    children += [
        ChildPlan(kind=Kind.ALBUM_IMAGE, content_id=image.id, content_name=one_line(metadata.album.name))
        for image in metadata.album.covers
    ]
    children += [
        ChildPlan(
            kind=Kind.ARTIST_IMAGE,
            content_id=image.id,
            content_name=one_line(artist.name),
            artist_name=names[artist.id],
        )
        for artist in metadata.artists
        for image in artist.portraits
    ]
    once = {child.content_id: child for child in reversed(children)}
    first = [child for child in children if once.get(child.content_id) is child]
    return tuple(replace(child, stored=_is_available(stored.get(child.content_id))) for child in first)


def assigned(metadata: Metadata, root: str, children: Sequence[ChildPlan]) -> Metadata:
    """The metadata with the child of `root` that fetches each track and picture.

    It stands in rows that an expansion writes anyway, so that a later look finds who is at a content
    without an index.
    """
    by = {child.content_id: child_id(root, ordinal) for ordinal, child in enumerate(children, start=1)}

    def images(given: Iterable[Image]) -> tuple[Image, ...]:
        return tuple(replace(each, fetched_by=by.get(each.id)) for each in given)

    return Metadata(
        album=replace(metadata.album, covers=images(metadata.album.covers)),
        tracks=tuple(replace(each, fetched_by=by.get(each.id)) for each in metadata.tracks),
        artists=tuple(replace(each, portraits=images(each.portraits)) for each in metadata.artists),
    )


def availability_of(row: MediaRow | None, *, is_held: bool) -> Availability:
    """What is said of a content with that media row; `is_held`: an active download is to fetch it.

    Bytes that are there stay available while a `force` fetches them anew.
    """
    if _is_available(row):
        return Availability.AVAILABLE
    if is_held:
        return Availability.FETCHING
    is_given_up = row is not None and row.availability is Availability.UNAVAILABLE
    return Availability.UNAVAILABLE if is_given_up else Availability.MISSING


def _is_available(row: MediaRow | None) -> bool:
    return row is not None and row.availability is Availability.AVAILABLE


def is_whole(album: StoredAlbum, rows: Mapping[str, MediaRow]) -> bool:
    """*In catalog*: the album has tracks, and the media row of each says that it is available.

    Told from the rows at each question: a set of missing tracks beside them could be written late,
    by a worker that has lost its lease, and be wrong for ever.
    """
    return bool(album.track_ids) and all(_is_available(rows.get(track_id)) for track_id in album.track_ids)
