"""Conditional writes as values: what the services ask of the queue table, and what every adapter carries out.

A write is data: which record, under which condition, with which new values. So the condition of each
transition is named and tested once, and the memory and DynamoDB adapters cannot disagree on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypedDict, TypeVar

from cratekeeper.domain.events import Event
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import Key
from cratekeeper.domain.lanes import Lane, Waiting
from cratekeeper.domain.models import (
    NONE,
    Cascade,
    Chunk,
    Download,
    Kind,
    Media,
    Ordinals,
    PlanChunk,
    Tally,
    Upload,
    Usage,
)
from cratekeeper.domain.states import State

SetName = Literal["open", "held", "failed", "cancelled", "open_chunks"]


class Fields(TypedDict, total=False):
    """Fields of a Download or a Chunk, to compare or to put; None (or an empty set) = absent."""

    lane: Lane
    state: State
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    next_retry_at: datetime | None
    parked_until: datetime | None
    paused_from: State | None
    epoch: int
    round: int
    owner: str | None
    lease_until: datetime | None
    attempts: int
    retry_count: int
    max_retries: int
    busy_count: int
    corrupt_count: int
    lease_losses: int
    counted: bool
    error_type: ErrorType | None
    error_message: str | None
    bytes_downloaded: int | None
    duration_ms: int | None
    partial: bool
    media: Media | None
    upload: Upload | None
    expanded: bool
    total: int
    cursor: int
    plan_epoch: int | None
    open: Ordinals
    held: Ordinals
    failed: Ordinals
    cancelled: Ordinals
    open_chunks: Ordinals
    bytes_done: int
    final: Tally | None
    cascade: Cascade | None
    due_at: datetime | None
    waiting: Waiting | None
    content_name: str | None
    artist_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Update one existing Download or Chunk, if every condition holds.

    Args:
        key: the record; it must exist.
        given: fields that must have exactly these values.
        member: (set, ordinal) that must be in the record, for writes that may succeed only once.
        put: fields to set; None, empty sets, False and 0 remove the attribute.
        add: ordinals to add to sets.
        drop: ordinals to delete from sets; deleting what is not there is harmless.
        plus_bytes: added to `bytes_done`; only together with `member`, so that it happens once.
        event: becomes the record's `event`, with `seq` one higher, in the same write.

    """

    key: Key
    given: Fields = field(default_factory=Fields)
    member: tuple[SetName, int] | None = None
    put: Fields = field(default_factory=Fields)
    add: Mapping[SetName, Ordinals] = field(default_factory=dict)
    drop: Mapping[SetName, Ordinals] = field(default_factory=dict)
    plus_bytes: int = 0
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """Put a record that must not exist."""

    record: Download | Chunk


@dataclass(frozen=True, slots=True)
class Pin:
    """Put a chunk of an expansion plan, whatever is there; only in one transaction with a fenced check of its root."""

    chunk: PlanChunk


@dataclass(frozen=True, slots=True)
class Erase:
    """Delete a record of a family, whatever it holds; nothing to do if it is gone."""

    key: Key


@dataclass(frozen=True, slots=True)
class TakeLock:
    """Put the active-content lock; refused (current: Lock) while another root holds it."""

    kind: Kind
    content_id: str
    holder: str


@dataclass(frozen=True, slots=True)
class FreeLock:
    """Delete the lock if it is the holder's; nothing to do if it is gone."""

    kind: Kind
    content_id: str
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSlot:
    """Put a root, and `others` of the same batch, into its user's active set; each counts as a request of the day.

    Refused (current: Usage) when the set would hold more than `max_active` roots, or more than
    `max_requests` be made on `day`; None = no limit. `known_day` is the day of the usage record as
    last read ("" = none): a new day starts the count anew, an old one is refused so that the caller
    looks again.
    `is_request` is False for a retry, which takes a slot but no request.
    """

    user_id: str
    root: str
    day: str
    known_day: str
    max_active: int | None
    max_requests: int | None
    is_request: bool = True
    others: frozenset[str] = frozenset()

    @property
    def roots(self) -> frozenset[str]:
        """All that are put."""
        return self.others | {self.root}


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """Delete a root from its user's active set; nothing to do if it is not there."""

    user_id: str
    root: str


@dataclass(frozen=True, slots=True)
class TakeCapacity:
    """Count an album in a capacity window (`H#2026-11-21T08`, `D#2026-11-21`) of at most `limit`.

    Only in one transaction with a fenced claim, so that it can succeed once. Refused (current:
    Window) when full; a limit of None only counts.
    """

    window: str
    limit: int | None


@dataclass(frozen=True, slots=True)
class Lock:
    """Who holds the active-content lock."""

    holder: str


@dataclass(frozen=True, slots=True)
class Window:
    """Albums counted in a capacity window."""

    name: str
    used: int


Write = Change | Create | Pin | Erase | TakeLock | FreeLock | TakeSlot | FreeSlot | TakeCapacity
Record = Download | Chunk | PlanChunk | Lock | Usage | Window
Stored = Download | Chunk
AnyStored = TypeVar("AnyStored", Download, Chunk)


def holds(record: Stored | None, change: Change) -> bool:
    """Whether the change's conditions hold of the record: the reading of `given` and `member`."""
    if record is None:
        return False
    if change.member and change.member[1] not in getattr(record, change.member[0]):
        return False
    given: Mapping[str, Any] = change.given
    return all(getattr(record, name) == value for name, value in given.items())


def applied(record: AnyStored, change: Change) -> AnyStored:
    """The record after the change: the reading of `put`, `add`, `drop`, `plus_bytes` and `event`."""
    values: dict[str, Any] = dict(change.put)
    names: set[SetName] = {*change.add, *change.drop}
    for name in names:
        before: Ordinals = getattr(record, name)
        values[name] = (before | change.add.get(name, NONE)) - change.drop.get(name, NONE)
    if change.plus_bytes:
        values["bytes_done"] = record.bytes_done + change.plus_bytes
    if change.event and isinstance(record, Download):
        values |= {"event": change.event, "seq": record.seq + 1}
    return replace(record, **values)
