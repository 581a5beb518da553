"""Operations that look for media, and that ask for many at once."""

from http import HTTPStatus
from typing import Any, Final

from cratekeeper.api.bodies import BatchOut, DiscographyQueuedOut
from cratekeeper.api.findings import DiscographyOut, SearchOut
from docs.openapi import examples
from docs.openapi.operation import Operation

FROM_PROVIDER: Final = ("provider_not_configured", "provider_failed", "provider_timed_out")
BY_KEY: Final = ("idempotency_key_reused", "idempotency_in_progress")

ALBUM: Final[dict[str, Any]] = {
    "id": "4u7EnebtmKWzUH433cf5Qv",
    "type": "album",
    "name": "A Night at the Opera",
    "artist_name": "Queen",
    "image_url": "http://provider.example/images/4u7EnebtmKWzUH433cf5Qv.jpg",
    "year": 1975,
    "in_catalog": False,
    "in_queue": True,
}
ARTIST: Final[dict[str, Any]] = {
    "id": "1dfeR4HaWDbWqFHLkxsg1d",
    "type": "artist",
    "name": "Queen",
    "artist_name": None,
    "image_url": None,
    "year": None,
    "in_catalog": False,
    "in_queue": False,
}

OPERATIONS: Final = {
    "GET /v1/search": Operation(
        id="search",
        summary="Search the downloader service",
        description="Albums, artists and tracks by words of their names. Each says whether all of it is stored "
        "(`in_catalog`), and whether somebody's active download was asked for it (`in_queue`). All results stand on "
        "one page.",
        tag="Search",
        answer=SearchOut,
        codes=FROM_PROVIDER,
        got={"One album": {"items": [ALBUM], "next_cursor": None}},
    ),
    "GET /v1/artists/{artist_id}/discography": Operation(
        id="get_discography",
        summary="See an artist's albums",
        description="The artist and the albums as the downloader service knows them, enriched as search results are.",
        tag="Search",
        answer=DiscographyOut,
        codes=FROM_PROVIDER,
        got={"An artist with one album": {"artist": ARTIST, "albums": [ALBUM]}},
    ),
    "POST /v1/downloads/discography": Operation(
        id="create_discography",
        summary="Ask for all albums of an artist",
        description="Queues what the caller's limits allow, in the order of the downloader service, and tells of each "
        "album that is not queued why. One request of the day is taken for each album that is queued.",
        tag="Downloads",
        answer=DiscographyQueuedOut,
        status=HTTPStatus.ACCEPTED,
        codes=(*FROM_PROVIDER, *BY_KEY, "not_found"),
        sent={"An artist": {"artist_id": "1dfeR4HaWDbWqFHLkxsg1d", "artist_name": "Queen"}},
        got={
            "One of two": {
                "queued": [{"album_id": "4u7EnebtmKWzUH433cf5Qv", "download_id": examples.ALBUM_ID}],
                "skipped": [{"album_id": "6X9k3hgEYTUx55yFjKnlaf", "reason": "already_in_catalog"}],
                "albums_queued": 1,
                "albums_skipped": 1,
            }
        },
        is_idempotent_by_key=True,
    ),
    "POST /v1/downloads/batch": Operation(
        id="create_batch",
        summary="Ask for up to 100 things at once",
        description="One invalid item refuses them all. Otherwise each is queued or skipped with a reason, as far as "
        "the caller's limits reach; results come in the order of the items. What stands twice in a batch is queued "
        "once: the second is skipped as `already_queued` with the first one's download. `priority` is for the items "
        "without one.",
        tag="Downloads",
        answer=BatchOut,
        status=HTTPStatus.ACCEPTED,
        codes=("provider_not_configured", *BY_KEY),
        sent={
            "Two albums, behind others": {
                "items": [
                    {"kind": "album", "content_id": "4u7EnebtmKWzUH433cf5Qv"},
                    {"kind": "album", "content_id": "6X9k3hgEYTUx55yFjKnlaf"},
                ],
                "priority": 3,
            }
        },
        got={
            "One of two": {
                "results": [
                    {"index": 0, "status": "queued", "download_id": examples.ALBUM_ID},
                    {"index": 1, "status": "skipped", "download_id": None, "reason": "already_in_catalog"},
                ]
            }
        },
        is_idempotent_by_key=True,
    ),
}
