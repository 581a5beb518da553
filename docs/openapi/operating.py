"""Operations for operators."""

from http import HTTPStatus
from typing import Any, Final

from cratekeeper.api.operating import ActivityOut, ProcessedOut, RequeuedOut, StatsOut
from cratekeeper.api.schemas import DownloadOut, PageOut, QueueOut
from docs.openapi import examples
from docs.openapi.operation import Operation

TAG: Final = "Administration"
AMOUNTS: Final[dict[str, Any]] = {"albums": 2, "tracks": 24, "images": 5, "bytes": 130023424, "failed": 1}

OPERATIONS: Final = {
    "GET /v1/admin/stats": Operation(
        id="get_stats",
        summary="See the figures of the system",
        description="Top-level downloads by state, what ended since 00:00 UTC, album capacity, and averages of the "
        "last seven days. Counts of states are exact up to 1,000; beyond that they are at most a minute old.",
        tag=TAG,
        answer=StatsOut,
        got={
            "At work": {
                "queue": {
                    "pending": 6,
                    "in_progress": 3,
                    "retry_waiting": 1,
                    "paused": 0,
                    "completed_today": 41,
                    "failed_today": 2,
                    "stale_in_progress": 0,
                },
                "capacity": {"albums_this_hour": 3, "max_per_hour": 10, "albums_today": 17, "max_per_day": 60},
                "processing": {"average_duration_ms": 48210, "success_rate_percent": 95.3},
            }
        },
    ),
    "GET /v1/admin/activity": Operation(
        id="get_activity",
        summary="See what was done hour by hour",
        description="Every hour up to the current one, oldest first; `totals` is the sum of the rows.",
        tag=TAG,
        answer=ActivityOut,
        got={"One hour": {"hourly": [{"hour": "2026-11-21T09:00:00.000Z", **AMOUNTS}], "totals": AMOUNTS}},
    ),
    "GET /v1/admin/downloads": Operation(
        id="list_all_downloads",
        summary="List everybody's downloads",
        description="Top-level downloads, newest first; children are found through their parent.",
        tag=TAG,
        answer=PageOut[DownloadOut],
        got={"First page": examples.page(examples.RUNNING)},
    ),
    "POST /v1/admin/downloads/{id}/retry": Operation(
        id="admin_retry_download",
        summary="Try anybody's download again",
        description="From FAILED or CANCELLED it is PENDING again with `retry_count` 0; with `force` also from "
        "IN_PROGRESS and RETRY_WAITING; never from COMPLETED.",
        tag=TAG,
        answer=DownloadOut,
        codes=("invalid_state", "already_queued", "queue_limit_reached"),
        got={"Waiting again": examples.QUEUED},
    ),
    "POST /v1/admin/downloads/retry-failed": Operation(
        id="retry_failed_downloads",
        summary="Try all failed downloads again",
        description="All that are FAILED and fit the filters, a bounded number in a call: `more` says that another is "
        "needed. `skipped` counts those that were refused, such as content that is queued again meanwhile.",
        tag=TAG,
        answer=RequeuedOut,
        got={"All of them": {"requeued": 7}, "Some of them": {"requeued": 100, "skipped": 2, "more": True}},
    ),
    "DELETE /v1/admin/downloads/{id}": Operation(
        id="delete_download",
        summary="Delete a download",
        description="With its children; what runs is cancelled first. Its history stays, and so do stored media. A "
        "child alone is a 409.",
        tag=TAG,
        answer=None,
        status=HTTPStatus.NO_CONTENT,
        codes=("invalid_state",),
    ),
    "POST /v1/admin/process": Operation(
        id="process_now",
        summary="Do the next work now",
        description="Takes the next waiting work on the worker's own path and waits for it. Nothing waits: an empty "
        "list.",
        tag=TAG,
        answer=ProcessedOut,
        codes=("provider_not_configured",),
        sent={"Three items": {"max": 3}},
        got={"A track": {"processed": [examples.STORED_TRACK]}, "Nothing waits": {"processed": []}},
    ),
    "POST /v1/admin/queue/pause": Operation(
        id="pause_queue",
        summary="Pause the queue",
        description="Running work finishes, nothing starts, until it is resumed or `resume_at` is reached. Pausing a "
        "paused queue changes its reason and end.",
        tag=TAG,
        answer=QueueOut,
        sent={
            "For two hours": {"reason": "moving the provider", "resume_at": "2026-11-21T11:30:00Z"},
            "Without end": {},
        },
        got={"Paused": examples.PAUSED_QUEUE},
    ),
    "POST /v1/admin/queue/resume": Operation(
        id="resume_queue",
        summary="Resume the queue",
        description="Work starts again. Of a queue that is not paused nothing changes.",
        tag=TAG,
        answer=QueueOut,
        got={"At work": examples.QUEUE},
    ),
    "PATCH /v1/admin/queue": Operation(
        id="set_queue_limit",
        summary="Set how many downloads run at once",
        description="In force at once, and instead of the setting. A lower limit ends nothing that runs.",
        tag=TAG,
        answer=QueueOut,
        sent={"Five": {"max_concurrent": 5}},
        got={"At work": examples.QUEUE | {"max_concurrent": 5}},
    ),
}
