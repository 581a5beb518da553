"""Things as the API shows them, for examples."""

from typing import Any, Final

ALBUM_ID: Final = "01KAJX8M4T6W9ZC2R5N7Q3B1VD"
CURSOR: Final = "f3Fh0bWzq1mJ3mC0d2k4uDAxS0FKWDhNNFQ2VzlaQzJSNU43UTNCMVZE"

QUEUED: Final[dict[str, Any]] = {
    "id": ALBUM_ID,
    "kind": "album",
    "content_id": "4u7EnebtmKWzUH433cf5Qv",
    "content_name": "A Night at the Opera",
    "artist_name": "Queen",
    "parent_id": None,
    "status": "PENDING",
    "priority": 2,
    "source": "USER",
    "requested_by": "alice",
    "created_at": "2026-11-21T09:30:00.000Z",
    "started_at": None,
    "completed_at": None,
    "updated_at": "2026-11-21T09:30:00.000Z",
    "next_retry_at": None,
    "attempts": 0,
    "retry_count": 0,
    "max_retries": 5,
    "error_type": None,
    "error_message": None,
    "bytes_downloaded": None,
    "duration_ms": None,
    "partial": False,
    "paused_from": None,
    "queue_position": 3,
    "progress": {
        "total": 0,
        "completed": 0,
        "failed": 0,
        "cancelled": 0,
        "in_progress": 0,
        "retry_waiting": 0,
        "pending": 0,
        "paused": 0,
        "percent": 0,
        "bytes": 0,
    },
}

RUNNING: Final = QUEUED | {
    "status": "IN_PROGRESS",
    "started_at": "2026-11-21T09:30:01.250Z",
    "updated_at": "2026-11-21T09:31:07.004Z",
    "attempts": 1,
    "queue_position": None,
    "progress": {
        "total": 14,
        "completed": 8,
        "failed": 0,
        "cancelled": 0,
        "in_progress": 1,
        "retry_waiting": 1,
        "pending": 4,
        "paused": 0,
        "percent": 57,
        "bytes": 41231234,
    },
}

STORED_TRACK: Final = {name: value for name, value in QUEUED.items() if name != "progress"} | {
    "id": f"{ALBUM_ID}-3",
    "kind": "track",
    "content_id": "7hQJA50XrCWABAu5v6QZ4i",
    "content_name": "I'm in Love with My Car",
    "parent_id": ALBUM_ID,
    "status": "COMPLETED",
    "started_at": "2026-11-21T09:30:09.100Z",
    "completed_at": "2026-11-21T09:30:12.480Z",
    "updated_at": "2026-11-21T09:30:12.480Z",
    "attempts": 1,
    "bytes_downloaded": 5242880,
    "duration_ms": 3380,
    "queue_position": None,
    "media": {
        "key": "audio/7hQJA50XrCWABAu5v6QZ4i.mp3",
        "size": 5242880,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "content_type": "audio/mpeg",
    },
}

LIMITS: Final[dict[str, Any]] = {
    "user": {
        "requests_today": 4,
        "max_per_day": 100,
        "in_queue": 2,
        "max_queue": 200,
        "can_request": True,
        "resets_at": "2026-11-22T00:00:00.000Z",
    },
    "global": {
        "albums_this_hour": 3,
        "max_per_hour": 10,
        "albums_today": 17,
        "max_per_day": 60,
        "at_capacity": False,
        "resets_at": "2026-11-21T10:00:00.000Z",
    },
}

QUEUE: Final[dict[str, Any]] = {
    "paused": False,
    "max_concurrent": 3,
    "active": 3,
    "pending": 6,
    "retry_waiting": 1,
    "by_priority": {"1": 0, "2": 5, "3": 1},
}
PAUSED_QUEUE: Final = QUEUE | {"paused": True, "paused_reason": "moving the provider", "active": 0}

REQUESTED: Final[dict[str, Any]] = {
    "id": f"{ALBUM_ID}:1",
    "timestamp": "2026-11-21T09:30:00.000Z",
    "event_type": "REQUEST_CREATED",
    "download_id": ALBUM_ID,
    "kind": "album",
    "content_id": "4u7EnebtmKWzUH433cf5Qv",
    "user_id": "alice",
    "source": "USER",
    "details": {},
}


def page(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A first page with more to come."""
    return {"items": list(items), "next_cursor": CURSOR, **more}
