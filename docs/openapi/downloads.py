"""Operations on downloads."""

from http import HTTPStatus
from typing import Any, Final

from cratekeeper.api.schemas import DownloadOut, EventOut, LimitsOut, PageOut, QueueOut
from docs.openapi import examples
from docs.openapi.operation import Operation

FROM_BODY: Final[dict[str, Any]] = {"parameters": {"id": "$response.body#/id"}}


def _to(operation_id: str) -> dict[str, Any]:
    return {"operationId": operation_id, **FROM_BODY}


TO_THE_DOWNLOAD: Final = {
    "Download": _to("get_download"),
    "Children": _to("list_children"),
    "Events": _to("list_events"),
}

OPERATIONS: Final = {
    "POST /v1/downloads": Operation(
        id="create_download",
        summary="Ask for an album or a track",
        description="Queues one download and answers at once; what becomes of it stands at `Location`. One request of "
        "the day and one place in the caller's queue are taken. Content that somebody has queued already is a 409 that "
        "names the active download; content that is stored and whole is a 409, too, unless `force` asks for it anew. "
        "Priority 1 needs the permission `edit_catalog`.",
        tag="Downloads",
        answer=DownloadOut,
        status=HTTPStatus.ACCEPTED,
        codes=(
            "already_queued",
            "already_in_catalog",
            "daily_limit_reached",
            "queue_limit_reached",
            "provider_not_configured",
            "idempotency_key_reused",
            "idempotency_in_progress",
        ),
        sent={
            "An album": {"kind": "album", "content_id": "4u7EnebtmKWzUH433cf5Qv"},
            "A track with names, behind others": {
                "kind": "track",
                "content_id": "7hQJA50XrCWABAu5v6QZ4i",
                "content_name": "I'm in Love with My Car",
                "artist_name": "Queen",
                "priority": 3,
            },
        },
        got={"Queued": examples.QUEUED},
        is_idempotent_by_key=True,
        headers={"Location": "The path of the download"},
        links=TO_THE_DOWNLOAD,
    ),
    "GET /v1/downloads": Operation(
        id="list_downloads",
        summary="List one's own downloads",
        description="The caller's top-level downloads, newest first. The first page also carries `limits`.",
        tag="Downloads",
        answer=PageOut[DownloadOut],
        got={"First page": examples.page(examples.RUNNING, limits=examples.LIMITS)},
    ),
    "GET /v1/downloads/{id}": Operation(
        id="get_download",
        summary="Look at one download",
        description="Any of the caller's own, parent or child. An album's `progress` counts its children by state; "
        "`queue_position` is exact up to 1,000 and null beyond, for children and for what does not wait.",
        tag="Downloads",
        answer=DownloadOut,
        got={"An album under way": examples.RUNNING, "A stored track of it": examples.STORED_TRACK},
        has_etag=True,
    ),
    "GET /v1/downloads/{id}/children": Operation(
        id="list_children",
        summary="List the children of an album",
        description="Its tracks and pictures, in album order. Of a single download: none.",
        tag="Downloads",
        answer=PageOut[DownloadOut],
        got={"First page": examples.page(examples.STORED_TRACK)},
    ),
    "GET /v1/downloads/{id}/events": Operation(
        id="list_events",
        summary="Read the history of a download",
        description="What happened to it, oldest first. It appears a moment after it happened, and outlives the "
        "download.",
        tag="Downloads",
        answer=PageOut[EventOut],
        got={"First page": examples.page(examples.REQUESTED)},
    ),
    "GET /v1/limits": Operation(
        id="get_limits",
        summary="See what may still be requested",
        description="The caller's own limits, which end at 00:00 UTC, and the albums that may still start in this hour "
        "and day.",
        tag="Queue",
        answer=LimitsOut,
        got={"Some used": examples.LIMITS},
    ),
    "GET /v1/queue": Operation(
        id="get_queue",
        summary="See the state of the queue",
        description="Counts are of top-level downloads; `by_priority` adds up to `pending`; `active` is permits in "
        "use. Counts are exact up to 1,000; beyond that they are at most a minute old.",
        tag="Queue",
        answer=QueueOut,
        got={"At work": examples.QUEUE, "Paused": examples.PAUSED_QUEUE},
    ),
}
