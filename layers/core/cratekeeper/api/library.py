"""The catalog, media links and plays: their parameters, bodies and answers."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from cratekeeper.api.parameters import DEFAULT_LIMIT, MOST_LIMIT, Flag, Query, Whole
from cratekeeper.api.schemas import MediaOut, Out, Time
from cratekeeper.domain.catalog import Artist, Availability, Entry, Image, Track
from cratekeeper.domain.models import Media
from cratekeeper.domain.popularity import Play
from cratekeeper.services.availability import Standings
from cratekeeper.services.catalog import Opened
from cratekeeper.services.links import Link
from cratekeeper.services.popular import Popular

_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAYS = (datetime(9999, 12, 31, tzinfo=UTC) - _UNIX).days
_FIRST_DAYS = (_FIRST - _UNIX).days
_DAY_S = 86_400


class Redirected(Query):
    """How a media link is answered."""

    redirect: Annotated[Flag, Field(description="`false`: the link as JSON instead of a redirect")] = True


class MostPlayed(Query):
    """How much of the chart is shown."""

    limit: Annotated[Whole, Field(ge=1, le=MOST_LIMIT, description="Most tracks", examples=[20])] = DEFAULT_LIMIT


class LogPlay(BaseModel):
    """Body of `POST /v1/plays`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    track_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{22}$", description="A track of the catalog")]


class ImageOut(Out):
    """A picture; its bytes are at `/v1/media/images/{id}` while it is available."""

    id: str
    width: int
    height: int
    availability: Availability

    @classmethod
    def listed(cls, images: Iterable[Image], standings: Standings) -> list[Self]:
        """The answers for some pictures."""
        return [
            cls(id=each.id, width=each.width, height=each.height, availability=standings[each.id].availability)
            for each in images
        ]


class ArtistOut(Out):
    """An artist of the catalog."""

    id: str
    name: str
    genres: list[str]
    images: list[ImageOut]

    @classmethod
    def of(cls, artist: Artist, standings: Standings) -> Self:
        """The answer for the service's value."""
        images = ImageOut.listed(artist.portraits, standings)
        return cls(id=artist.id, name=artist.name, genres=list(artist.genres), images=images)


class TrackOut(Out):
    """A track of the catalog; its bytes are at `/v1/media/tracks/{id}` while it is available."""

    left_out: ClassVar[frozenset[str]] = frozenset({"media"})

    id: str
    name: str
    album_id: str
    artist_ids: list[str]
    number: int
    disc: int
    duration_ms: int
    is_explicit: bool
    availability: Availability
    media: MediaOut | None = None

    @classmethod
    def of(cls, track: Track, standings: Standings) -> Self:
        """The answer for the service's value."""
        availability, media = standings[track.id]
        return cls(
            id=track.id,
            name=track.name,
            album_id=track.album_id,
            artist_ids=list(track.artist_ids),
            number=track.number,
            disc=track.disc,
            duration_ms=track.duration_ms,
            is_explicit=track.is_explicit,
            availability=availability,
            media=_media(media) if media else None,
        )


class AlbumOut(Out):
    """An album of the catalog; `released` is a date, null if it is not known."""

    id: str
    name: str
    artist_name: str | None
    artist_ids: list[str]
    album_type: str
    label: str
    released: str | None
    genres: list[str]
    track_count: int
    images: list[ImageOut]

    @classmethod
    def of(cls, entry: Entry, standings: Standings) -> Self:
        """The answer for the service's value."""
        album = entry.album
        return cls(
            id=album.id,
            name=album.name,
            artist_name=entry.artist_name,
            artist_ids=list(album.artist_ids),
            album_type=album.album_type,
            label=album.label,
            released=_date(album.released),
            genres=list(album.genres),
            track_count=len(album.track_ids),
            images=ImageOut.listed(album.covers, standings),
        )


class OpenedAlbumOut(AlbumOut):
    """An album with its tracks, in album order."""

    tracks: list[TrackOut]

    @classmethod
    def opened(cls, found: Opened) -> Self:
        """The answer for the service's value."""
        listed = AlbumOut.of(found.entry, found.standings)
        return cls(**dict(listed), tracks=[TrackOut.of(each, found.standings) for each in found.tracks])


class PopularTrackOut(Out):
    """A track of the chart."""

    plays: int
    track: TrackOut


class PopularOut(Out):
    """Answer of `GET /v1/catalog/popular`: the most played first, all on one page.

    The chart counts the plays of the last `days` UTC days as of `counted_at`; both are null before the first count.
    """

    items: list[PopularTrackOut]
    next_cursor: None = None
    days: int | None
    counted_at: Time | None

    @classmethod
    def of(cls, found: Popular) -> Self:
        """The answer for the service's value."""
        chart = found.chart
        return cls(
            items=[
                PopularTrackOut(plays=plays, track=TrackOut.of(each, found.standings)) for each, plays in found.tracks
            ],
            days=chart.days if chart else None,
            counted_at=chart.at if chart else None,
        )


class LinkOut(Out):
    """Where the bytes can be read by anybody, without a key, until `expires_at`."""

    url: str
    expires_at: Time

    @classmethod
    def of(cls, link: Link) -> Self:
        """The answer for the service's value."""
        return cls(url=link.url, expires_at=link.expires_at)


class PlayOut(Out):
    """A logged play; it is in the chart from the next count on."""

    id: str
    track_id: str
    played_at: Time

    @classmethod
    def of(cls, play: Play) -> Self:
        """The answer for the service's value."""
        return cls(id=play.id, track_id=play.track_id, played_at=play.at)


def _media(found: Media) -> MediaOut:
    return MediaOut(key=found.key, size=found.size_bytes, sha256=found.sha256, content_type=found.content_type)


def _date(unix_s: int | None) -> str | None:
    """The UTC date of Unix seconds; None beyond the calendar."""
    if unix_s is None or not _FIRST_DAYS <= unix_s // _DAY_S <= _LAST_DAYS:
        return None
    return (_UNIX + timedelta(days=unix_s // _DAY_S)).date().isoformat()
