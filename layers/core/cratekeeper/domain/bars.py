"""Bars: what keeps a download from running. The claim asks whether there is any, `explain` tells which."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """Why not now; the values are the codes of `GET /v1/downloads/{id}/explain`."""

    RUNNING = "running"
    ENDED = "ended"
    PAUSED = "paused"
    CHANGING = "changing"
    ALBUM_NOT_READY = "album_not_ready"
    RETRY_DUE = "retry_due"
    CAPACITY = "capacity_reached"
    PROVIDER = "provider_not_configured"
    QUEUE_PAUSED = "queue_paused"
    LIMIT_ZERO = "limit_zero"
    NO_PERMIT = "no_permit"
    HAS_PERMIT = "starting"
    HIGHER_LANE = "higher_priority_first"
    BEHIND = "waiting_behind"


class Bar(NamedTuple):
    """One reason, and when it ends by itself (None = somebody or something else must end it)."""

    reason: Reason
    ends_at: datetime | None = None
