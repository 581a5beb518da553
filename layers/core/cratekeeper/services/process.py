"""Processing: one message, from the claim to the finish."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final, NamedTuple, assert_never

from cratekeeper.domain.catalog import MediaRow
from cratekeeper.domain.control import Control, Held, Seeker
from cratekeeper.domain.errors import LeaseLost, TransferFailed, Unavailable, WriteRefused
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import chunk_of, split
from cratekeeper.domain.models import Chunk, Download, Kind, Media, Sets, Upload
from cratekeeper.domain.permits import is_spent
from cratekeeper.domain.retry import Failure, GiveUp, RetryAt, RetryPolicy
from cratekeeper.domain.states import State
from cratekeeper.domain.transitions import carry_on, fail, finish, rejoin, wait
from cratekeeper.domain.writes import Change, Write, applied
from cratekeeper.ports import Briefing, CatalogStore, Clock, Dice, DownloadStore, Log, Permits, Pulse
from cratekeeper.services.claim import Claims, farewell
from cratekeeper.services.expand import Expand
from cratekeeper.services.lease import Lease
from cratekeeper.services.release import Grant, Release, Seen
from cratekeeper.services.settle import Settle
from cratekeeper.services.transfer import Transfer

LONGEST_POSTPONEMENT_S: Final = 3600
"""Longer waits are acknowledged and rung by the dispatcher: each receive counts towards the DLQ."""

LONGEST_DELAY_S: Final = 900
"""SQS delays a new message for fifteen minutes at most."""

MARGIN_S: Final = 30
"""What a further item needs of an invocation's time beside its transfer."""


@dataclass(frozen=True, slots=True)
class Done:
    """The message has been dealt with."""


@dataclass(frozen=True, slots=True)
class Postpone:
    """The message goes back to its queue for `seconds` (1..3,600)."""

    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """The worker's own path, for a message as for `POST /v1/admin/process`.

    Args:
        policy: backoff of failed attempts.
        lease_s: length of a lease in seconds.
    """

    store: DownloadStore
    permits: Permits
    catalog: CatalogStore
    clock: Clock
    dice: Dice
    pulse: Pulse
    log: Log
    release: Release
    settle: Settle
    claims: Claims
    expand: Expand
    transfer: Transfer
    policy: RetryPolicy
    lease_s: int

    def run(self, download_id: str, *, deadline: datetime) -> Done | Postpone:
        """Deal with one message: claim the item if it may run, do its work, and decide what follows.

        While there is time the worker goes on with what its permit was swapped to, which saves the
        ring, a receive and a read. The message is acknowledged after all of it.

        Args:
            download_id: what the message says; everything else is read from the table.
            deadline: when the invocation must be over.

        Raises Unavailable if the table does not answer: the message comes back.
        """
        turn = self._turn(download_id, deadline)
        following = turn.kept
        while following and isinstance(turn.outcome, Done) and self._has_time(deadline):
            following = self._follow(following, deadline)
        if following:
            self.release.ring(following.seeker)
        return turn.outcome

    def alone(self, download_id: str, *, deadline: datetime) -> bool:
        """Deal with one item and with no other; whether it was ours to run. Its permit's next holder is rung."""
        turn = self._turn(download_id, deadline)
        if turn.kept:
            self.release.ring(turn.kept.seeker)
        if turn.claimed and isinstance(turn.outcome, Postpone):
            self._ring_later(turn.claimed, turn.outcome)
        return turn.claimed is not None

    def _has_time(self, deadline: datetime) -> bool:
        """Whether a whole further transfer fits: a worker that is stopped midway costs a lease."""
        return deadline - self.clock.now() > timedelta(seconds=self.transfer.timeout_s + MARGIN_S)

    def _turn(self, download_id: str, deadline: datetime) -> "_Turn":
        """One item, from what the table says of it."""
        briefing = self.store.briefing(download_id)
        item, held = briefing.item, _permit_of(download_id, briefing.control)
        if item is None or not item.is_claimable(self.clock.now()):
            return _Turn(self._not_now(briefing, held))
        if briefing.parent and not briefing.parent.lets_children_run:
            self._pass_on(held, item)  # whoever stops or changes the album rings for what is left of it
            return _Turn(Done())
        claimed = self.claims.enter(item, briefing.control, held)
        if claimed is None:
            return _Turn(Done())
        turn = self._work(self._lease(*claimed), _Known(briefing.control, _holder(briefing)), deadline)
        return turn._replace(claimed=claimed[0])

    def _follow(self, grant: Grant, deadline: datetime) -> Grant | None:
        """Go on with a further item; returns what its permit was swapped to."""
        seeker, control, album = grant
        claimed = self.claims.fresh(seeker, album)
        if claimed is None:
            turn = self._turn(seeker.id, deadline)
        else:
            holder = album if chunk_of(split(seeker.id)[1] or 0) == 0 else None
            lease = self._lease(claimed, Held(seeker.id, seeker.permit))
            turn = self._work(lease, _Known(control, holder), deadline)
        if isinstance(turn.outcome, Postpone):
            self._ring_later(seeker, turn.outcome)
        return turn.kept

    def _ring_later(self, grant: Seeker | Download, outcome: Postpone) -> None:
        """A further item has no message of its own that could be postponed."""
        try:
            self.release.bell.ring(grant.lane, [grant.id], delay_s=min(outcome.seconds, LONGEST_DELAY_S))
        except Unavailable as error:
            self.log.warning("ring_failed", download_ids=[grant.id], reason=str(error))

    def _lease(self, item: Download, held: Held | None) -> Lease:
        return Lease(
            store=self.store, permits=self.permits, clock=self.clock, lease_s=self.lease_s, item=item, held=held
        )

    def _not_now(self, briefing: Briefing, held: Held | None) -> Done | Postpone:
        """A message for an item that cannot be claimed: heal what a crash left, and pass a spent permit on."""
        item = briefing.item
        self._heal(item, _holder(briefing))
        self._pass_on(held, item)
        if item and item.state is State.RETRY_WAITING and item.next_retry_at:
            return self._postponed(item.next_retry_at)
        return Done()

    def _pass_on(self, held: Held | None, item: Download | None) -> None:
        """Rule 3, for a permit that is of no use to anybody any more."""
        if held and is_spent(held.permit, item, self.clock.now()):
            self.release.hand_on(held)

    def _heal(self, item: Download | None, holder: Sets | None) -> None:
        """The set write that a crash after the item's own write left out."""
        if item is None or item.is_root or holder is None:
            return
        ordinal = split(item.id)[1]
        if item.is_terminal and ordinal in holder.open:
            self.settle.child(item, holder)
        elif item.is_terminal and isinstance(holder, Download):
            self.settle.end_if_done(holder)
        elif item.is_terminal and isinstance(holder, Chunk) and not holder.open:
            self.settle.close(holder)
        elif item.state is State.RETRY_WAITING and ordinal not in holder.held:
            self.settle.hold(item, holder)

    def _postponed(self, until: datetime) -> Done | Postpone:
        seconds = ceil((until - self.clock.now()).total_seconds())
        return Done() if seconds > LONGEST_POSTPONEMENT_S else Postpone(max(1, seconds))

    def _work(self, lease: Lease, known: "_Known", deadline: datetime) -> "_Turn":
        """Do the work under a heartbeat, write what came of it, and pass the permit on."""
        try:
            with lease.beating(self.pulse):
                result = self._attempt(lease, deadline)
            return self._conclude(lease, result, known)
        except LeaseLost:
            self.log.warning("lease_lost", download_id=lease.item.id, epoch=lease.item.epoch)
            return _Turn(Done(), self._hand_on(lease, known))

    def _attempt(self, lease: Lease, deadline: datetime) -> "_Result":
        """The body of the work; every failure becomes a value, so that it is a decision and no crash."""
        try:
            return self._body(lease, deadline)
        except TransferFailed as failure:
            return failure
        except Unavailable as error:
            return TransferFailed(ErrorType.STORAGE, str(error))
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - an unknown failure is retried, not crashed on
            self.log.warning("attempt_raised", download_id=lease.item.id, error=repr(error))
            return TransferFailed(ErrorType.UNKNOWN, repr(error))

    def _body(self, lease: Lease, deadline: datetime) -> "_Result":
        """Expand an album, or land the bytes and tell the catalog of them."""
        item = lease.item
        if item.kind is Kind.ALBUM:
            return item if item.expanded else self.expand.run(lease)
        result = self.transfer.run(lease, deadline=deadline)
        if isinstance(result, Media):
            self.catalog.record(MediaRow(content_id=item.content_id, kind=item.kind, media=result))
        return result

    def _conclude(self, lease: Lease, result: "_Result", known: "_Known") -> "_Turn":
        match result:
            case Download():
                return self._expanded(lease, result, known)
            case Media():
                return self._finished(lease, result, known)
            case Upload():
                return self._suspended(lease, result, known)
            case TransferFailed():
                return self._failed(lease, result, known)
            case other:
                assert_never(other)

    def _expanded(self, lease: Lease, album: Download, known: "_Known") -> "_Turn":
        """The album waits for its children now: neither lease nor permit."""
        if not album.awaits_children:
            album = self._rejoined(album)
        if album.awaits_children and (album.open or album.open_chunks):
            self.release.offer_children(album, lease.control or known.control, held=lease.held)
            return _Turn(Done())
        self.settle.end_if_done(album)
        return _Turn(Done(), self._hand_on(lease, known))

    def _rejoined(self, album: Download) -> Download:
        """An album that was expanded before, waiting for its children; they may have ended since its claim."""
        now = self.clock.now()
        try:
            self._write(album, rejoin(album, now=now, next_visit=now + timedelta(seconds=self.lease_s)))
        except LeaseLost:
            found = self._read(album)
            if found is None or (found.epoch, found.owner) != (album.epoch, album.owner) or found.cascade:
                raise
            return self._rejoined(found)  # still ours: only its priority has changed, or changed and back
        return self._read(album) or album

    def _read(self, item: Download) -> Download | None:
        found = self.store.get(item.key).get(item.key)
        return found if isinstance(found, Download) else None

    def _finished(self, lease: Lease, media: Media, known: "_Known") -> "_Turn":
        """COMPLETED, the parent settled, and only then the permit passed on."""
        item = lease.item
        ended = self._write(item, finish(item, media, now=self.clock.now()), *farewell(item))
        return self._after_end(lease, ended, known)

    def _failed(self, lease: Lease, failure: TransferFailed, known: "_Known") -> "_Turn":
        """Retry later or give up, as the policy says."""
        if lease.item.kind is Kind.ALBUM and failure.error_type is ErrorType.STORAGE:
            found = self._as_left(lease)
            if found.expanded:
                return self._expanded(lease, found, known)
        item, now = lease.item, self.clock.now()
        decision = self.policy.decide(
            Failure(failure.error_type, failure.retry_after_s),
            item.counts,
            max_retries=item.max_retries,
            now=now,
            dice=self.dice.roll(),
        )
        if item.cursor and isinstance(decision, GiveUp):
            # Children exist and the plan is stored: only our own storage can fail, and that ends.
            decision = RetryAt(now + timedelta(seconds=self.policy.max_s), item.counts)
        match decision:
            case GiveUp():
                if item.kind is not Kind.ALBUM:
                    # First, since nobody comes back to it once the item has ended. What is stored stays available.
                    self.catalog.give_up(item.kind, item.content_id)
                change = fail(item, failure.error_type, failure.message, now=now)
                return self._after_end(lease, self._write(item, change, *farewell(item)), known)
            case RetryAt(at):
                waiting = self._write(item, wait(item, failure.error_type, failure.message, retry=decision, now=now))
                if not item.is_root:
                    self.settle.hold(waiting, known.holder)
                return _Turn(self._postponed(at), self._hand_on(lease, known))
            case other:
                assert_never(other)

    def _as_left(self, lease: Lease) -> Download:
        """How far an expansion came whose last answer may be lost for good (I6). Raises LeaseLost if it is not ours."""
        item = lease.item
        found = self._read(item)
        if found is None or (found.epoch, found.state) != (item.epoch, State.IN_PROGRESS):
            raise LeaseLost(item.id)
        lease.keep(found)
        return found

    def _suspended(self, lease: Lease, upload: Upload, known: "_Known") -> "_Turn":
        """A transfer that outlives this invocation goes on in the next, spending no retry."""
        self._write(lease.item, carry_on(lease.item, upload, now=self.clock.now()))
        return _Turn(Postpone(1), self._hand_on(lease, known))

    def _after_end(self, lease: Lease, ended: Download, known: "_Known") -> "_Turn":
        album = None if ended.is_root else self.settle.child(ended, known.holder)
        return _Turn(Done(), self._hand_on(lease, known._replace(album=album)))

    def _hand_on(self, lease: Lease, known: "_Known") -> Grant | None:
        """Swap the permit; the grant is kept, to go on with or to ring."""
        if lease.held is None:
            return None
        return self.release.hand_on(lease.held, seen=Seen(lease.control or known.control, known.album), keeps=True)

    def _write(self, item: Download, change: Change, *others: Write) -> Download:
        """A worker's write under its epoch; our own success whose answer was lost counts once (I6)."""
        try:
            self.store.commit(change, *others)
        except WriteRefused as refused:
            found = self._read(item)
            if found and _is_after(found, item, change):
                return found
            raise LeaseLost(item.id) from refused
        return applied(item, change)


class _Known(NamedTuple):
    """What is known around an item: the control item as read, its chunk's sets, its album as just written."""

    control: Control
    holder: Sets | None = None
    album: Download | None = None


class _Turn(NamedTuple):
    """What came of one item, the grant that its permit was swapped to, and the item if it was ours."""

    outcome: Done | Postpone
    kept: Grant | None = None
    claimed: Download | None = None


_Result = Download | Media | Upload | TransferFailed


def _is_after(found: Download, item: Download, change: Change) -> bool:
    """Whether a refused write met its own success (I6): the same claim, in the state that the write leads to."""
    state, lease_until = change.put.get("state", item.state), change.put.get("lease_until", item.lease_until)
    return (found.epoch, found.state, found.lease_until) == (item.epoch, state, lease_until)


def _permit_of(download_id: str, control: Control) -> Held | None:
    permit = control.permits.get(download_id)
    return Held(download_id, permit) if permit else None


def _holder(briefing: Briefing) -> Sets | None:
    return briefing.holder_chunk or briefing.parent
