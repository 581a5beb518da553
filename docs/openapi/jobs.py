"""Background jobs."""

from http import HTTPStatus
from typing import Any, Final

from cratekeeper.api.jobs import JobOut, RunOut, TriggeredOut
from cratekeeper.api.schemas import PageOut
from docs.openapi.operation import Operation

TAG: Final = "Administration"

REPORT: Final[dict[str, Any]] = {
    "missing_track_audio": ["4u7EnebtmKWzUH433cf5Qv"],
    "missing_album_images": [],
    "missing_artist_images": [],
    "truncated": [],
    "orphaned": [],
    "counts": {
        "missing_track_audio": 1,
        "missing_album_images": 0,
        "missing_artist_images": 0,
        "truncated": 0,
        "orphaned": 0,
    },
    "items_queued": 1,
    "items_skipped": 0,
    "objects_scanned": 5120,
    "rows_scanned": 5121,
    "scan_duration_ms": 4210,
    "dry_run": False,
}
RUN: Final[dict[str, Any]] = {
    "run_id": "01JD7Z5A8M0000000000000000",
    "job_id": "integrity_watchdog",
    "started_at": "2026-11-21T03:00:00.000Z",
    "finished_at": "2026-11-21T03:00:04.210Z",
    "status": "completed",
    "triggered_by": "schedule",
    "error_message": None,
    "result": REPORT,
}
JOB: Final[dict[str, Any]] = {
    "id": "integrity_watchdog",
    "name": "Integrity watchdog",
    "description": "Compares the stored media with the catalog and queues repairs of what is missing or cut.",
    "schedule": "rate(1 day), OnStartup",
    "on_shutdown": "stop",
    "status": "idle",
    "last_run": RUN,
    "next_run_at": "2026-11-22T03:00:00.000Z",
}

OPERATIONS: Final = {
    "GET /v1/admin/jobs": Operation(
        id="list_jobs",
        summary="List the background jobs",
        description="All of them, each with its newest run and the next scheduled one.",
        tag=TAG,
        answer=PageOut[JobOut],
        got={"One of them": {"items": [JOB], "next_cursor": None}},
    ),
    "GET /v1/admin/jobs/{job_id}": Operation(
        id="get_job",
        summary="See a background job",
        description="With its newest run and the next scheduled one. A run whose process was stopped shows as failed.",
        tag=TAG,
        answer=JobOut,
        got={"The watchdog": JOB},
    ),
    "GET /v1/admin/jobs/{job_id}/history": Operation(
        id="list_runs_of_a_job",
        summary="See how a job went",
        description="The newest runs, newest first. The `result` of the watchdog is its report: ids of tracks and "
        "pictures that are missing, keys of what is truncated or orphaned, at most 1,000 of each; `counts` know no "
        "bound.",
        tag=TAG,
        answer=PageOut[RunOut],
        got={"A scan": {"items": [RUN], "next_cursor": None}},
    ),
    "POST /v1/admin/jobs/{job_id}/trigger": Operation(
        id="trigger_job",
        summary="Run a job now",
        description="It begins in the background; the history shows how it ends. While a run is under way this is a "
        "409. With `dry_run` the watchdog reports and changes nothing; `popular_content` looks back "
        "`days` days, 1 to 90.",
        tag=TAG,
        answer=TriggeredOut,
        status=HTTPStatus.ACCEPTED,
        codes=("job_running",),
        sent={"A report alone": {"params": {"dry_run": True}}, "As by schedule": {}},
        got={"Begun": {"run_id": RUN["run_id"]}},
    ),
}
