"""A plain model of the queue table: rows are dictionaries, and each transition is written out once more.

Nothing here is shared with the code under test but the names of states, lanes and events: what a
transition requires and what it leaves behind is said again, in the words of the design.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final, NamedTuple

from cratekeeper.domain.events import EventType
from cratekeeper.domain.ids import split
from cratekeeper.domain.lanes import Rank, Waiting
from cratekeeper.domain.models import Chunk, Download
from cratekeeper.domain.states import State

Row = dict[str, Any]
Place = Any
NONE: Final = frozenset[int]()

RESTS: Final[Row] = {"lease_until": None, "owner": None}
AS_READ: Final = ("state", "epoch", "round", "cascade")
ENDED_IN: Final = {State.FAILED: "failed", State.CANCELLED: "cancelled"}


class Refused(NamedTuple):
    """The write of this number does not apply to what is there."""

    number: int
    current: Any


@dataclass(frozen=True, slots=True)
class Wish:
    """One write: where, under which condition, and what is there afterwards."""

    place: Place
    may: Callable[[Any], object]
    after: Callable[[Any], Any]


@dataclass(slots=True)
class Plain:
    """Everything that is stored, by its place."""

    rows: dict[Place, Any] = field(default_factory=dict)

    def carry_out(self, wishes: Sequence[Wish]) -> Refused | None:
        """All, or none because of the first that does not apply."""
        for number, wish in enumerate(wishes):
            current = self.rows.get(wish.place)
            if not wish.may(current):
                return Refused(number, current)
        for wish in wishes:
            self.rows[wish.place] = wish.after(self.rows.get(wish.place))
        self.rows = {place: row for place, row in self.rows.items() if row is not None}
        return None

    def downloads(self) -> Iterator[Row]:
        """Every download."""
        return (row for row in self.rows.values() if isinstance(row, dict) and "content_id" in row)

    def roots(self) -> Iterator[Row]:
        """Those that have no parent."""
        return (row for row in self.downloads() if split(row["id"])[1] is None)


def row_of(record: Download | Chunk) -> Row:
    """A record as the model has it: of the event only what happened."""
    row = {each.name: getattr(record, each.name) for each in fields(record)}
    if row.get("event"):
        row["event"] = row["event"].type
    return row


def create(record: Download | Chunk) -> Wish:
    return Wish(record.key, lambda row: row is None, lambda _: row_of(record))


def take_lock(item: Download) -> Wish:
    return Wish(("lock", item.kind, item.content_id), lambda holder: holder in (None, item.id), lambda _: item.id)


def free_lock(item: Download) -> Wish:
    return Wish(("lock", item.kind, item.content_id), lambda holder: holder in (None, item.id), lambda _: None)


def free_slot(item: Download) -> Wish:
    return Wish(("slots", item.requested_by), lambda _: True, lambda active: (active or frozenset()) - {item.id})


def take_slot(item: Download) -> Wish:
    return Wish(("slots", item.requested_by), lambda _: True, lambda active: (active or frozenset()) | {item.id})


def count_in(window: str, limit: int) -> Wish:
    return Wish(("window", window), lambda used: (used or 0) < limit, lambda used: (used or 0) + 1)


def _change(view: Any, guard: Sequence[str], put: Row, *, event: EventType | None = None, **must: Any) -> Wish:
    """A change of a record that must still be as the view has it in the fields of the guard."""
    wanted = {name: getattr(view, name) for name in guard} | must

    def may(row: Row | None) -> bool:
        return row is not None and all(row[name] == value for name, value in wanted.items())

    def after(row: Row) -> Row:
        return row | put | ({"event": event, "seq": row["seq"] + 1} if event else {})

    return Wish(view.key, may, after)


def _worker(view: Download, put: Row, *, event: EventType | None = None, **must: Any) -> Wish:
    """What only the holder of the claim may do, only while it runs (I4), and in no cascade (rule 7)."""
    return _change(view, ["epoch"], put, event=event, state=State.IN_PROGRESS, cascade=None, **must)


def _childless(view: Download) -> Row:
    """A failure of an album that has got children meanwhile is none."""
    return {"expanded": view.expanded, "cursor": view.cursor}


def _later(view: Download, now: datetime) -> datetime:
    return max(view.updated_at, now)


def claim(view: Download, *, until: datetime, owner: str, now: datetime, counted: bool) -> Wish:
    put = _claimed(view, until=until, owner=owner, now=now, counted=counted)
    return _change(view, [*AS_READ, "lease_until", "updated_at", "lane", "parked_until"], put, event=_claims(view))


def claim_unread(view: Download, *, until: datetime, owner: str, now: datetime) -> Wish:
    """Whoever has not read a child does not know when its priority was last changed."""
    put = _claimed(view, until=until, owner=owner, now=now, counted=False)
    return _change(view, [*AS_READ, "lease_until", "parked_until"], put, event=_claims(view))


def _claims(view: Download) -> EventType:
    return EventType.LEASE_RECOVERED if view.state is State.IN_PROGRESS else EventType.DOWNLOAD_STARTED


def _claimed(view: Download, *, until: datetime, owner: str, now: datetime, counted: bool) -> Row:
    recovers = view.state is State.IN_PROGRESS
    return {
        "state": State.IN_PROGRESS,
        "epoch": view.epoch + 1,
        "attempts": view.attempts + 1,
        "lease_losses": view.lease_losses + (1 if recovers else 0),
        "owner": owner,
        "lease_until": until,
        "started_at": now,
        "updated_at": _later(view, now),
        "next_retry_at": None,
        "parked_until": None,
        "waiting": None,
        "counted": view.counted or counted,
        "due_at": until if view.is_root else None,
    }


def renew(view: Download, *, until: datetime) -> Wish:
    return _worker(view, {"lease_until": until}, lease_until=view.lease_until)


def park(view: Download, *, until: datetime, now: datetime) -> Wish:
    waits = Waiting(view.lane, Rank.PARKED)
    put = {"parked_until": until, "due_at": until, "waiting": waits, "updated_at": _later(view, now)}
    return _change(view, [*AS_READ, "parked_until", "updated_at", "lane"], put)


def unpark(view: Download, *, now: datetime, visit: datetime) -> Wish:
    waits = Waiting(view.lane, Rank.ROOT)
    put = {"parked_until": None, "due_at": visit, "waiting": waits, "updated_at": _later(view, now)}
    return _change(view, [*AS_READ, "parked_until", "updated_at", "lane"], put)


def _over(view: Download, state: State, now: datetime) -> Row:
    return RESTS | {"state": state, "completed_at": now, "updated_at": _later(view, now), "due_at": None}


def finish(view: Download, media: Any, *, now: datetime) -> Wish:
    took = now - (view.started_at or now)
    put = _over(view, State.COMPLETED, now) | {
        "media": media,
        "bytes_downloaded": media.size_bytes,
        "duration_ms": max(0, round(took.total_seconds() * 1000)),
        "error_type": None,
        "error_message": None,
        "upload": None,
        "busy_count": 0,
    }
    return _worker(view, put, event=EventType.DOWNLOAD_COMPLETED)


def fail(view: Download, error_type: Any, message: str, *, now: datetime, lapsed: bool) -> Wish:
    """A lost worker leaves its upload to the dispatcher."""
    put = _over(view, State.FAILED, now) | {"error_type": error_type, "error_message": message, "upload": None}
    if lapsed:
        put |= {"upload": view.upload, "due_at": now if view.is_root and view.upload else None}
    must = {"lease_until": view.lease_until} if lapsed else {}
    return _worker(view, put, event=EventType.DOWNLOAD_FAILED, **_childless(view), **must)


def wait(view: Download, error_type: Any, message: str, *, retry: Any, now: datetime) -> Wish:
    put = RESTS | {
        "state": State.RETRY_WAITING,
        "updated_at": _later(view, now),
        "next_retry_at": retry.at,
        "retry_count": retry.counts.retries,
        "busy_count": retry.counts.busy,
        "corrupt_count": retry.counts.corrupt,
        "error_type": error_type,
        "error_message": message,
        "due_at": retry.at if view.is_root else None,
    }
    return _worker(view, put, event=EventType.RETRY_SCHEDULED, **_childless(view))


def carry_on(view: Download, upload: Any, *, now: datetime) -> Wish:
    put = RESTS | {
        "state": State.RETRY_WAITING,
        "updated_at": _later(view, now),
        "next_retry_at": now,
        "upload": upload,
        "due_at": now if view.is_root else None,
    }
    return _worker(view, put, event=EventType.RETRY_SCHEDULED)


def drop_upload(view: Download) -> Wish:
    return _change(view, [*AS_READ, "upload"], {"upload": None})


def save_upload(view: Download, upload: Any) -> Wish:
    return _worker(view, {"upload": upload})


def name(view: Download, title: str | None, artist: str | None) -> Wish:
    put = {"content_name": title or view.content_name, "artist_name": artist or view.artist_name}
    return _worker(view, put)


def expand(view: Download, *, total: int, now: datetime, visit: datetime) -> Wish:
    """The only step of a family that fits one chunk."""
    put: Row = RESTS | {
        "total": total,
        "cursor": total,
        "open": frozenset(range(1, total + 1)),
        "expanded": True,
        "updated_at": _later(view, now),
        "due_at": visit,
        "waiting": Waiting(view.lane, Rank.CHILDREN) if total else None,
        "error_type": None,
        "error_message": None,
        "content_name": view.content_name,
        "artist_name": view.artist_name,
    }
    return _worker(view, put, event=EventType.CHILDREN_CREATED, expanded=False, cursor=view.cursor, lane=view.lane)


def rejoin(view: Download, *, now: datetime, visit: datetime) -> Wish:
    waits = Waiting(view.lane, Rank.CHILDREN)
    put = RESTS | {"due_at": visit, "waiting": waits, "updated_at": _later(view, now)}
    return _worker(view, put, expanded=True, owner=view.owner, lane=view.lane)


def _open_child(holder: Any, ordinal: int, after: Callable[[Row], Row]) -> Wish:
    """A set write: the chunk is in the round as read, and the child not yet settled (rule 9)."""

    def may(row: Row | None) -> bool:
        return row is not None and row["round"] == holder.round and ordinal in row["open"]

    return Wish(holder.key, may, after)


def settle(holder: Any, child: Download, ordinal: int) -> Wish:
    def after(row: Row) -> Row:
        row = row | {"open": row["open"] - {ordinal}, "held": row["held"] - {ordinal}}
        if child.state in ENDED_IN:
            ended = ENDED_IN[child.state]
            return row | {ended: row[ended] | {ordinal}}
        return row | {"bytes_done": row["bytes_done"] + (child.bytes_downloaded or 0)}

    return _open_child(holder, ordinal, after)


def hold(holder: Any, ordinal: int) -> Wish:
    return _open_child(holder, ordinal, lambda row: row | {"held": row["held"] | {ordinal}})


def unhold(holder: Any, ordinals: frozenset[int]) -> Wish:
    return Wish(
        holder.key,
        lambda row: row is not None and row["round"] == holder.round,
        lambda row: row | {"held": row["held"] - ordinals},
    )


def close_chunk(root: Download, number: int) -> Wish:
    return Wish(
        root.key,
        lambda row: row is not None and row["round"] == root.round and number in row["open_chunks"],
        lambda row: row | {"open_chunks": row["open_chunks"] - {number}},
    )


def still_empty(chunk: Any) -> Wish:
    return Wish(chunk.key, lambda row: row is not None and not row["open"], lambda row: row)


def end_album(root: Download, ends: Any, *, now: datetime) -> Wish:
    took = now - (root.started_at or now)
    put = _over(root, ends.state, now) | {
        "partial": ends.partial,
        "error_type": None,
        "error_message": ends.message,
        "bytes_downloaded": ends.size_bytes,
        "duration_ms": max(0, round(took.total_seconds() * 1000)),
        "final": ends.tally,
        "held": NONE,
        "waiting": None,
        "due_at": now if ends.tally.failed or ends.tally.cancelled else None,
    }
    event = {
        State.COMPLETED: EventType.DOWNLOAD_COMPLETED,
        State.FAILED: EventType.DOWNLOAD_FAILED,
        State.CANCELLED: EventType.DOWNLOAD_CANCELLED,
    }[ends.state]
    return _worker(root, put, event=event, round=root.round, expanded=True, open=NONE, open_chunks=NONE)


def visit(root: Download, *, due_at: datetime | None, waiting: Any) -> Wish:
    guard = [*AS_READ, "waiting", "due_at"]
    return _change(root, guard, {"due_at": due_at, "waiting": waiting})


def no_child_left(root: Download) -> Wish:
    return _change(root, [*AS_READ, "waiting", "open", "held"], {"waiting": None})


def children_left(root: Download) -> Wish:
    put = {"waiting": Waiting(root.lane, Rank.CHILDREN)}
    return _worker(root, put, round=root.round, expanded=True, waiting=None, lane=root.lane)
