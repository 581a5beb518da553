"""Named transitions: each builds the one conditional write that carries it out.

Every builder takes the item *as read*; its guards are what must still hold. Worker writes are
guarded by `state = IN_PROGRESS` and the worker's own epoch: the epoch alone does not notice a
cancel or a pause (I4). Times never fall, whatever the clock does (I27).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cratekeeper.domain.events import SYSTEM, Event, EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import CHUNK, chunk_of, split
from cratekeeper.domain.lanes import Rank, Waiting
from cratekeeper.domain.models import NONE, Chunk, Download, Media, Sets, Upload
from cratekeeper.domain.states import State, Verb, move
from cratekeeper.domain.text import safe_line
from cratekeeper.domain.writes import Change, Fields, SetName

if TYPE_CHECKING:
    from datetime import datetime

    from cratekeeper.domain.progress import Outcome
    from cratekeeper.domain.retry import RetryAt


def _later(item: Download, now: datetime) -> datetime:
    return max(item.updated_at, now)


def _as_read(item: Download) -> Fields:
    return Fields(state=item.state, epoch=item.epoch, round=item.round, cascade=item.cascade)


def _unmoved(item: Download) -> Fields:
    """As read, and at its place: neither a new priority nor a parking raises epoch or round."""
    place = Fields(lane=item.lane, parked_until=item.parked_until)
    return _as_read(item) | place | Fields(updated_at=item.updated_at)


def _mine(item: Download) -> Fields:
    """Guard of every worker write: its own claim, and nobody is changing the whole family."""
    return Fields(state=State.IN_PROGRESS, epoch=item.epoch, cascade=None)


def _childless(item: Download) -> Fields:
    """Guard of a failure: an album that has children by now, though its worker did not hear of it, goes on."""
    return _mine(item) | Fields(expanded=item.expanded, cursor=item.cursor)


def _at_rest(item: Download, now: datetime) -> Fields:
    """What leaving a claim puts back."""
    return Fields(lease_until=None, owner=None, updated_at=_later(item, now))


def claim(item: Download, *, lease_until: datetime, owner: str, now: datetime, counted: bool = False) -> Change:
    """Take the item for one attempt: `epoch` + 1, under the status, epoch and round as read (rule 2).

    Args:
        item: as read, claimable at `now`.
        lease_until: the permit's `until` as read.
        owner: nonce that recognises this claim if its answer is lost.
        now: the claim's time.
        counted: the album's capacity is reserved in the same transaction.

    """
    recovers = item.state is State.IN_PROGRESS
    state = move(item.state, Verb.RECOVER if recovers else Verb.CLAIM)
    kind = EventType.LEASE_RECOVERED if recovers else EventType.DOWNLOAD_STARTED
    return Change(
        key=item.key,
        given=_unmoved(item) | Fields(lease_until=item.lease_until),
        put=Fields(
            state=state,
            epoch=item.epoch + 1,
            attempts=item.attempts + 1,
            owner=owner,
            lease_until=lease_until,
            started_at=now,
            updated_at=_later(item, now),
            next_retry_at=None,
            parked_until=None,
            waiting=None,
            lease_losses=item.lease_losses + recovers,
            counted=item.counted or counted,
            due_at=lease_until if item.is_root else None,
        ),
        event=Event(type=kind, at=now, details={"attempt": item.attempts + 1}),
    )


def claim_unread(child: Download, *, lease_until: datetime, owner: str, now: datetime) -> Change:
    """`claim` of a child that never ran, taken for what it was created as: nothing else has dated it since."""
    change = claim(child, lease_until=lease_until, owner=owner, now=now)
    del change.given["updated_at"], change.given["lane"]
    return change


def renew(item: Download, *, lease_until: datetime) -> Change:
    """Extend the holder's lease; refused once anybody else took, cancelled or paused the item."""
    return Change(
        key=item.key,
        given=_mine(item) | Fields(lease_until=item.lease_until),
        put=Fields(lease_until=lease_until),
    )


def park(item: Download, *, until: datetime, now: datetime) -> Change:
    """Keep an album PENDING until the capacity window ends; it leaves the releasable work."""
    move(item.state, Verb.PARK)
    return _placed(item, Rank.PARKED, parked_until=until, due_at=until, now=now)


def unpark(item: Download, *, now: datetime, next_visit: datetime) -> Change:
    """Put a parked album back among the releasable work."""
    return _placed(item, Rank.ROOT, parked_until=None, due_at=next_visit, now=now)


def _placed(item: Download, rank: Rank, *, parked_until: datetime | None, due_at: datetime, now: datetime) -> Change:
    """Among the waiting work of its lane, under what parked it as read."""
    place = Fields(waiting=Waiting(item.lane, rank), parked_until=parked_until, due_at=due_at)
    return Change(key=item.key, given=_unmoved(item), put=place | Fields(updated_at=_later(item, now)))


def finish(item: Download, media: Media, *, now: datetime) -> Change:
    """COMPLETED with the verified object; errors of earlier attempts are cleared."""
    started = item.started_at or now
    duration_ms = max(0, round((now - started).total_seconds() * 1000))
    return Change(
        key=item.key,
        given=_mine(item),
        put=_at_rest(item, now)
        | Fields(
            state=move(State.IN_PROGRESS, Verb.FINISH),
            completed_at=now,
            media=media,
            bytes_downloaded=media.size_bytes,
            duration_ms=duration_ms,
            error_type=None,
            error_message=None,
            upload=None,
            due_at=None,
            busy_count=0,
        ),
        event=Event(type=EventType.DOWNLOAD_COMPLETED, at=now),
    )


def fail(item: Download, error_type: ErrorType, message: str, *, now: datetime) -> Change:
    """FAILED for good, with the reason. A lost worker may leave an upload, which the dispatcher aborts."""
    is_lost = error_type is ErrorType.LOST
    return Change(
        key=item.key,
        given=_childless(item) | (Fields(lease_until=item.lease_until) if is_lost else Fields()),
        put=_at_rest(item, now)
        | Fields(
            state=move(State.IN_PROGRESS, Verb.FAIL),
            completed_at=now,
            error_type=error_type,
            error_message=safe_line(message),
            upload=item.upload if is_lost else None,
            due_at=now if is_lost and item.is_root and item.upload else None,
        ),
        event=Event(type=EventType.DOWNLOAD_FAILED, at=now, details={"error_type": error_type.value}),
    )


def wait(item: Download, error_type: ErrorType, message: str, *, retry: RetryAt, now: datetime) -> Change:
    """RETRY_WAITING until `retry.at`, with the counts that the policy decided."""
    return Change(
        key=item.key,
        given=_childless(item),
        put=_at_rest(item, now)
        | Fields(
            state=move(State.IN_PROGRESS, Verb.WAIT),
            next_retry_at=retry.at,
            retry_count=retry.counts.retries,
            busy_count=retry.counts.busy,
            corrupt_count=retry.counts.corrupt,
            error_type=error_type,
            error_message=safe_line(message),
            due_at=retry.at if item.is_root else None,
        ),
        event=Event(
            type=EventType.RETRY_SCHEDULED,
            at=now,
            details={"error_type": error_type.value, "retry_at": retry.at.isoformat()},
        ),
    )


def carry_on(item: Download, upload: Upload, *, now: datetime) -> Change:
    """Hand a transfer that outlives its invocation to the next: due at once, nothing spent."""
    return Change(
        key=item.key,
        given=_mine(item),
        put=_at_rest(item, now)
        | Fields(
            state=move(State.IN_PROGRESS, Verb.WAIT),
            next_retry_at=now,
            upload=upload,
            due_at=now if item.is_root else None,
        ),
        event=Event(
            type=EventType.RETRY_SCHEDULED,
            at=now,
            details={"reason": "continues"},
        ),
    )


def save_upload(item: Download, upload: Upload | None) -> Change:
    """Keep the progress of a multipart transfer, under the holder's epoch."""
    return Change(key=item.key, given=_mine(item), put=Fields(upload=upload))


def drop_upload(item: Download) -> Change:
    """Forget an upload that was aborted; refused if the item became active again."""
    return Change(key=item.key, given=_as_read(item) | Fields(upload=item.upload), put=Fields(upload=None))


def name(item: Download, *, content_name: str | None, artist_name: str | None) -> Change:
    """Fill in the names that the provider told, under the holder's epoch."""
    return Change(
        key=item.key,
        given=_mine(item),
        put=Fields(
            content_name=content_name or item.content_name,
            artist_name=artist_name or item.artist_name,
        ),
    )


def still_unexpanded(item: Download) -> Change:
    """Nothing but the check that the claim holds and that its album has no children yet."""
    return Change(key=item.key, given=_mine(item) | Fields(cursor=0, expanded=False))


class Step(NamedTuple):
    """One transaction of an expansion: children up to ordinal `last` of `total` exist after it.

    `plan_epoch` pins the stored plan of a family of more than one chunk. `names` are the album's and
    its artist's, for a request that did not bring them.
    """

    total: int
    last: int
    plan_epoch: int | None = None
    names: tuple[str | None, str | None] = (None, None)


def expand(item: Download, step: Step, *, now: datetime, next_visit: datetime) -> Change:
    """The root's part of one expansion transaction, under its own claim.

    The last one ends the lease: an album that waits for its children holds neither lease nor
    permit. `next_visit` is when the dispatcher looks at it first.
    """
    total, last, plan_epoch, names = step
    move(item.state, Verb.EXPAND)
    put = Fields(total=total, cursor=last, plan_epoch=plan_epoch, updated_at=_later(item, now))
    if item.cursor == 0:
        put |= Fields(content_name=item.content_name or names[0], artist_name=item.artist_name or names[1])
        put["open"] = frozenset(range(1, min(total, CHUNK) + 1))
        put["open_chunks"] = frozenset(range(1, chunk_of(total) + 1)) if total > CHUNK else NONE
    event = None
    if last == total:
        put |= Fields(
            expanded=True,
            lease_until=None,
            owner=None,
            due_at=next_visit,
            waiting=Waiting(item.lane, Rank.CHILDREN) if total else None,
            error_type=None,
            error_message=None,
        )
        event = Event(type=EventType.CHILDREN_CREATED, at=now, details={"children": total})
    given = _mine(item) | Fields(cursor=item.cursor, expanded=False, lane=item.lane)
    return Change(key=item.key, given=given, put=put, event=event)


def rejoin(item: Download, *, now: datetime, next_visit: datetime) -> Change:
    """Return a claimed album that was expanded before to waiting for its children."""
    given = _mine(item) | Fields(expanded=True, owner=item.owner, lane=item.lane)
    place = Fields(state=State.IN_PROGRESS, due_at=next_visit, waiting=Waiting(item.lane, Rank.CHILDREN))
    return Change(key=item.key, given=given, put=_at_rest(item, now) | place)


_ENDED_IN: dict[State, SetName] = {State.FAILED: "failed", State.CANCELLED: "cancelled"}


def settle(holder: Sets, child: Download) -> Change:
    """Take an ended child out of its chunk's `open`, once, and note how it ended.

    Guarded by the chunk's round (rule 9) and by the ordinal still being open, so bytes count once.
    """
    ordinal = split(child.id)[1] or 0
    only = frozenset({ordinal})
    ended = _ENDED_IN.get(child.state)
    return Change(
        key=holder.key,
        given=Fields(round=holder.round),
        member=("open", ordinal),
        drop={"open": only, "held": only},
        add={ended: only} if ended else {},
        plus_bytes=child.bytes_downloaded or 0 if child.state is State.COMPLETED else 0,
    )


def hold(holder: Sets, ordinal: int) -> Change:
    """Note that an open child waits for its retry: release passes over it."""
    return Change(
        key=holder.key,
        given=Fields(round=holder.round),
        member=("open", ordinal),
        add={"held": frozenset({ordinal})},
    )


def unhold(holder: Sets, ordinals: frozenset[int]) -> Change:
    """Make children whose wait is over releasable again."""
    return Change(key=holder.key, given=Fields(round=holder.round), drop={"held": ordinals})


def close_chunk(root: Download, chunk: int) -> Change:
    """Note in the root that a further chunk has no open child left."""
    return Change(
        key=root.key,
        given=Fields(round=root.round),
        member=("open_chunks", chunk),
        drop={"open_chunks": frozenset({chunk})},
    )


def still_empty(chunk: Chunk) -> Change:
    """Nothing but the check that no child of the chunk is open."""
    return Change(key=chunk.key, given=Fields(open=NONE))


def end_album(root: Download, outcome: Outcome, *, now: datetime) -> Change:
    """The album's own end, a pure function of its children's (I13)."""
    verb = {State.COMPLETED: Verb.FINISH, State.FAILED: Verb.FAIL, State.CANCELLED: Verb.CANCEL}[outcome.state]
    kind = {
        State.COMPLETED: EventType.DOWNLOAD_COMPLETED,
        State.FAILED: EventType.DOWNLOAD_FAILED,
        State.CANCELLED: EventType.DOWNLOAD_CANCELLED,
    }[outcome.state]
    started = root.started_at or now
    return Change(
        key=root.key,
        given=_mine(root) | Fields(round=root.round, expanded=True, open=NONE, open_chunks=NONE),
        put=_at_rest(root, now)
        | Fields(
            state=move(root.state, verb),
            completed_at=now,
            partial=outcome.partial,
            error_type=None,
            error_message=outcome.message,
            bytes_downloaded=outcome.size_bytes,
            duration_ms=max(0, round((now - started).total_seconds() * 1000)),
            final=outcome.tally,
            held=NONE,
            waiting=None,
            # A last look: a child that was cancelled, or lost its worker, may have left an upload.
            due_at=now if outcome.tally.failed or outcome.tally.cancelled else None,
        ),
        event=Event(type=kind, at=now, actor=SYSTEM, details={"children": root.total}),
    )


def visit(root: Download, *, due_at: datetime | None, waiting: Waiting | None) -> Change:
    """The dispatcher's note on a root: when to look again, and its place among the releasable work."""
    return Change(
        key=root.key,
        given=_as_read(root) | Fields(waiting=root.waiting, due_at=root.due_at),
        put=Fields(due_at=due_at, waiting=waiting),
    )


def no_child_left(root: Download) -> Change:
    """Take an album whose open children all run, or wait, out of the `waiting` index (rule 11).

    Guarded by the sets as read: a child that becomes releasable meanwhile refuses it.
    """
    return Change(
        key=root.key,
        given=_as_read(root) | Fields(waiting=root.waiting, open=root.open, held=root.held),
        put=Fields(waiting=None),
    )


def children_left(root: Download) -> Change:
    """Put an album with a releasable child back into the `waiting` index (rule 11)."""
    return Change(
        key=root.key,
        given=_mine(root) | Fields(round=root.round, expanded=True, waiting=None, lane=root.lane),
        put=Fields(waiting=Waiting(root.lane, Rank.CHILDREN)),
    )
