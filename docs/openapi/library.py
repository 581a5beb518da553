"""Operations on the catalog and its media."""

from http import HTTPStatus
from typing import Any, Final

from cratekeeper.api.library import AlbumOut, ArtistOut, LinkOut, OpenedAlbumOut, PlayOut, PopularOut, TrackOut
from cratekeeper.api.schemas import PageOut
from docs.openapi import examples
from docs.openapi.many import BY_KEY
from docs.openapi.operation import Operation

TAG: Final = "Catalog"
AVAILABILITY: Final = (
    "`availability` is `available` while the bytes are stored, `fetching` while an active download is to fetch them, "
    "`unavailable` after the last download of them failed for good, and else `missing`."
)
COVER: Final[dict[str, Any]] = {
    "id": "ab67616d0000b273e8b066f70c206551210d902b",
    "width": 640,
    "height": 640,
    "availability": "available",
}
ARTIST: Final[dict[str, Any]] = {"id": "1dfeR4HaWDbWqFHLkxsg1d", "name": "Queen", "genres": ["rock"], "images": [COVER]}
ALBUM: Final[dict[str, Any]] = {
    "id": "4u7EnebtmKWzUH433cf5Qv",
    "name": "A Night at the Opera",
    "artist_name": "Queen",
    "artist_ids": ["1dfeR4HaWDbWqFHLkxsg1d"],
    "album_type": "album",
    "label": "EMI",
    "released": "1975-11-21",
    "genres": ["rock"],
    "track_count": 12,
    "images": [COVER],
}
TRACK: Final[dict[str, Any]] = {
    "id": "7hQJA50XrCWABAu5v6QZ4i",
    "name": "I'm in Love with My Car",
    "album_id": "4u7EnebtmKWzUH433cf5Qv",
    "artist_ids": ["1dfeR4HaWDbWqFHLkxsg1d"],
    "number": 3,
    "disc": 1,
    "duration_ms": 185000,
    "is_explicit": False,
    "availability": "available",
    "media": examples.STORED_TRACK["media"],
}
LINK: Final[dict[str, Any]] = {
    "url": "https://media.example/audio/7hQJA50XrCWABAu5v6QZ4i.mp3?X-Amz-Expires=900",
    "expires_at": "2026-11-21T09:45:00.000Z",
}


def _link(thing: str, operation_id: str) -> Operation:
    return Operation(
        id=operation_id,
        summary=f"Get the bytes of {thing}",
        description="A redirect to a link that anybody may read for at most 15 minutes, or with `redirect=false` that "
        "link as JSON. It takes ranges. What is not stored is a 404.",
        tag=TAG,
        answer=LinkOut,
        got={"A link": LINK},
        redirects=True,
    )


OPERATIONS: Final = {
    "GET /v1/catalog/artists": Operation(
        id="list_artists",
        summary="List the artists of the catalog",
        description=f"In the order of their ids. {AVAILABILITY}",
        tag=TAG,
        answer=PageOut[ArtistOut],
        got={"First page": examples.page(ARTIST)},
    ),
    "GET /v1/catalog/artists/{artist_id}": Operation(
        id="get_artist",
        summary="Look at an artist of the catalog",
        description=f"Names, genres and pictures. {AVAILABILITY}",
        tag=TAG,
        answer=ArtistOut,
        got={"An artist": ARTIST},
    ),
    "GET /v1/catalog/albums": Operation(
        id="list_albums",
        summary="List the albums of the catalog",
        description=f"In the order of their ids, without their tracks. {AVAILABILITY}",
        tag=TAG,
        answer=PageOut[AlbumOut],
        got={"First page": examples.page(ALBUM)},
    ),
    "GET /v1/catalog/albums/{album_id}": Operation(
        id="get_album",
        summary="Look at an album of the catalog",
        description=f"With its tracks in album order. {AVAILABILITY}",
        tag=TAG,
        answer=OpenedAlbumOut,
        got={"An album": ALBUM | {"tracks": [TRACK]}},
    ),
    "GET /v1/catalog/tracks/{track_id}": Operation(
        id="get_track",
        summary="Look at a track of the catalog",
        description=f"`media` stands there while it is stored. {AVAILABILITY}",
        tag=TAG,
        answer=TrackOut,
        got={"A track": TRACK},
    ),
    "GET /v1/catalog/popular": Operation(
        id="list_popular",
        summary="See what is played most",
        description="The most played tracks of the last `days` UTC days, all on one page, as a background job counted "
        "them at `counted_at`; both are null before the first count.",
        tag=TAG,
        answer=PopularOut,
        got={
            "One track": {
                "items": [{"plays": 12, "track": TRACK}],
                "next_cursor": None,
                "days": 7,
                "counted_at": "2026-11-21T03:00:00.000Z",
            }
        },
    ),
    "GET /v1/media/tracks/{track_id}": _link("a track", "get_track_media"),
    "GET /v1/media/images/{image_id}": _link("a picture", "get_image_media"),
    "POST /v1/plays": Operation(
        id="create_play",
        summary="Log that a track was played",
        description="It is in the chart from the next count on; who played is not kept. A track that the catalog does "
        "not know is a 404.",
        tag=TAG,
        answer=PlayOut,
        status=HTTPStatus.ACCEPTED,
        codes=(*BY_KEY, "not_found"),
        sent={"A track": {"track_id": "7hQJA50XrCWABAu5v6QZ4i"}},
        got={
            "Logged": {
                "id": "01KAJX8M4T6W9ZC2R5N7Q3B1VD",
                "track_id": "7hQJA50XrCWABAu5v6QZ4i",
                "played_at": "2026-11-21T09:30:00.000Z",
            }
        },
        is_idempotent_by_key=True,
    ),
}
