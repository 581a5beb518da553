"""Operations on what is queued."""

from typing import Any, Final

from cratekeeper.api.bodies import ExplainOut, ManySteeredOut
from cratekeeper.api.schemas import DownloadOut
from docs.openapi import examples
from docs.openapi.operation import Operation


def _act(name: str, summary: str, description: str, got: dict[str, Any], **more: Any) -> Operation:
    return Operation(
        id=f"{name}_download",
        summary=summary,
        description=f"{description} A state that does not allow it is a 409 that names the state.",
        tag="Steering",
        answer=DownloadOut,
        got=got,
        **{"codes": ("invalid_state",), **more},
    )


CANCELLED: Final = examples.QUEUED | {
    "status": "CANCELLED",
    "completed_at": "2026-11-21T09:32:00.000Z",
    "updated_at": "2026-11-21T09:32:00.000Z",
    "queue_position": None,
}
PAUSED: Final = examples.QUEUED | {"status": "PAUSED", "paused_from": "PENDING", "queue_position": None}

OPERATIONS: Final = {
    "POST /v1/downloads/{id}/cancel": _act(
        "cancel",
        "Cancel a download",
        "Whatever has not ended is cancelled, of an album with all its children; running work stops at its next "
        "heartbeat. The place in the caller's queue is free again, the request of the day is not.",
        {"Cancelled": CANCELLED},
    ),
    "POST /v1/downloads/{id}/pause": _act(
        "pause",
        "Pause a download",
        "It keeps its place in the caller's queue and does not run until it is resumed; an album pauses with its "
        "children. `paused_from` tells the state before.",
        {"Paused": PAUSED},
    ),
    "POST /v1/downloads/{id}/resume": _act(
        "resume",
        "Resume a paused download",
        "It is PENDING again, at its old place, and runs when its turn comes.",
        {"Waiting again": examples.QUEUED},
    ),
    "POST /v1/downloads/{id}/retry": _act(
        "retry",
        "Try a failed or cancelled download again",
        "Of an album only the children that failed or were cancelled; nothing that is stored is fetched again. It "
        "takes a place in the caller's queue and no request of the day.",
        {"Waiting again": examples.QUEUED},
        codes=("invalid_state", "already_queued", "queue_limit_reached"),
    ),
    "POST /v1/downloads/{id}/priority": _act(
        "prioritize",
        "Move a download to another lane",
        "1 goes before 2, which goes before 3; an album moves with its children. 1 needs the permission "
        "`edit_catalog`.",
        {"In the low lane": examples.QUEUED | {"priority": 3, "queue_position": 17}},
        sent={"Behind others": {"priority": 3}},
    ),
    "POST /v1/downloads/batch-action": Operation(
        id="act_on_downloads",
        summary="Do the same with up to 100 downloads",
        description="Each id has its own outcome; a refusal has the code that the same action on that download alone "
        "would have. An unknown action, or `priority` without a value, refuses the whole call.",
        tag="Steering",
        answer=ManySteeredOut,
        sent={"Cancel two": {"ids": [examples.ALBUM_ID, "01KAJX8M4T6W9ZC2R5N7Q3B1VE"], "action": "cancel"}},
        got={
            "One of two": {
                "total": 2,
                "successful": 1,
                "failed": 1,
                "results": [{"id": examples.ALBUM_ID, "status": "CANCELLED"}],
                "errors": [{"id": "01KAJX8M4T6W9ZC2R5N7Q3B1VE", "code": "not_found"}],
            }
        },
    ),
    "GET /v1/downloads/{id}/explain": Operation(
        id="explain_download",
        summary="Why a download does not run now",
        description="What keeps it, by the rules that a worker follows: `paused`, `retry_due`, `album_not_ready`, "
        "`changing`, `capacity_reached`, `provider_not_configured`, `queue_paused`, `limit_zero`, `no_permit`, "
        "`starting`, `higher_priority_first`, `waiting_behind`. `ends_at` stands where it ends by itself. Empty: it "
        "runs or has ended.",
        tag="Downloads",
        answer=ExplainOut,
        got={
            "No permit is free": {
                "blockers": [
                    {"code": "no_permit", "detail": "1 of 1 permits are held by 01KAJX7Z0R4T8V2X6Y1A3C5E7G-4"},
                    {"code": "waiting_behind", "detail": "waiting behind 2"},
                ]
            },
            "A retry is due later": {
                "blockers": [
                    {
                        "code": "retry_due",
                        "detail": "retry 1 of 5 is due then; the last attempt failed with timeout",
                        "ends_at": "2026-11-21T09:35:00.000Z",
                    }
                ]
            },
            "Running": {"blockers": []},
        },
    ),
}
