"""Release: who may run next. Takes, swaps and drops permits, and rings (protocol rules 3-6 and 11).

Work waits in the table; the queues hold only what may run now. Every path that makes work runnable
ends with a permit for it or with its id marked hungry, and every path that frees a permit looks
for work first: so no wake-up is lost between a finisher that saw no work and a creator that saw no
room.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from cratekeeper.domain.control import Control, Held, Permit, Seeker
from cratekeeper.domain.errors import PermitRefused, Unavailable, WriteRefused
from cratekeeper.domain.ids import Key, child_id, chunk_key, key_of, root_of
from cratekeeper.domain.lanes import Lane, Order, Rank, order_of
from cratekeeper.domain.models import Download, Sets
from cratekeeper.domain.transitions import no_child_left
from cratekeeper.ports import Bell, Clock, DownloadStore, Log, Permits

LOOKS: Final = 20
"""How often one release looks again after a refusal; then the dispatcher's next tick goes on."""

HUNGRY: Final = 16
"""Ids of one lane that are marked hungry at most: 27 bytes each, in an item that every permit write pays for."""

ENTRIES: Final = 8
"""Index entries read at once: the first is nearly always runnable."""


class _Candidate(NamedTuple):
    """Something that may be next: a download, or (`download_id` None) the next child of an album."""

    order: Order
    root: str
    download_id: str | None


class Seen(NamedTuple):
    """What a caller has read: the control item, however old, and its album as just written."""

    control: Control | None = None
    album: Download | None = None


NOTHING_SEEN: Final = Seen()


class Grant(NamedTuple):
    """A permit for somebody, with the control item and, for a child, the album as just seen."""

    seeker: Seeker
    seen: Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Grants permits to the best work and rings it.

    Args:
        store: items and the `waiting` index.
        permits: the control item.
        bell: the lane queues.
        clock: time.
        log: for rings that failed.
        lease_s: how long a fresh permit lasts, in seconds.
    """

    store: DownloadStore
    permits: Permits
    bell: Bell
    clock: Clock
    log: Log
    lease_s: int

    def hand_on(self, held: Held, *, seen: Seen | None = None, keeps: bool = False) -> Grant | None:
        """Swap a permit to the best work in one write, or drop it if there is none (rule 3).

        Args:
            held: the permit.
            seen: what the caller read already, so that it need not be read again.
            keeps: return the grant instead of ringing it, for a worker that goes on with it itself.
        """
        search = _Search(held=held, seen=seen or NOTHING_SEEN, keeps=keeps)
        self._run(search)
        return search.kept

    def ring(self, grant: Grant) -> None:
        """Ring for a grant that its worker does not go on with after all."""
        self._ring(grant.seeker.lane, [grant.seeker.id])

    def offer(self, item: Download, *, held: Held | None = None) -> None:
        """Find a permit for an item that became runnable, and ring it; without room, mark it hungry.

        `held` is a permit that is of no use any more and may be swapped.
        """
        self._run(_Search(held=held, own=item))

    def claimable(self, item: Download, *, held: Held | None) -> Held | None:
        """As `offer`, for a worker that has the item in hand: its permit is returned instead of rung."""
        search = _Search(held=held, own=item, keeps=True)
        self._run(search)
        return Held(search.kept.seeker.id, search.kept.seeker.permit) if search.kept else None

    def fill(self, *, at_most: int) -> int:
        """Grant as long as there is room and work, at most `at_most` times; returns how often."""
        search = _Search(grants=at_most)
        self._run(search)
        return search.granted

    def ring_again(self, item: Download, held: Held) -> None:
        """Ring for a permit whose first ring was perhaps lost; renewing it keeps two dispatchers from both ringing."""
        with suppress(PermitRefused):
            self.permits.renew(held, until=self.clock.now() + timedelta(seconds=self.lease_s))
            self._ring(item.lane, [item.id])

    def offer_children(self, album: Download, *, held: Held | None) -> None:
        """After an expansion: swap its permit to the first child, and use what other room there is."""
        control = self.permits.read()
        if control.limit is None:
            if not control.is_closed:
                self._ring(album.lane, [child_id(album.id, n) for n in self._open_ordinals(album)])
            return
        self._run(_Search(held=held, grants=1 + control.limit))
        for child in self._releasable(album, self.permits.read()):
            self._run(_Search(own=child))
            break

    def _run(self, search: "_Search") -> None:
        """Look again and again until the search is satisfied or nothing is left to do."""
        control: Control | None = search.seen.control or self.permits.read()
        for _ in range(LOOKS):
            if control is None or search.is_satisfied:
                return
            if control.limit is None:
                self._unlimited(search, control)
                return
            control = self._look(search, control)

    def _look(self, search: "_Search", control: Control) -> Control | None:
        """One look and at most one grant; the control item for the next look, None = it is over."""
        if search.held is None and not self._has_room(control):
            return self._without_room(search, control)
        seeker = None if _is_shut(control, search) else self._best(control, search)
        if seeker is None:
            return self._without_work(search, control)
        try:
            after = self._grant(control, search.held, seeker)
        except PermitRefused as refused:
            search.seen = NOTHING_SEEN
            if search.held and not refused.control.holds(search.held):
                search.held = None
            return refused.control
        self._granted(search, seeker, after)
        return after

    def _has_room(self, control: Control) -> bool:
        """Whether a permit is free: not taken, or lapsed."""
        return control.has_room() or bool(control.lapsed(self.clock.now()))

    def _without_room(self, search: "_Search", control: Control) -> Control | None:
        """Mark the id hungry (rule 5); refused, room appeared: look again.

        A lane with HUNGRY ids needs no further mark: whoever finishes sees them and looks at the
        index, which by then shows this id too. So the control item stays small.
        """
        own = search.own
        if own is None or control.is_closed or control.limit is None:
            return None
        if len(control.hungry.get(own.lane, ())) >= HUNGRY:
            return None
        try:
            self.permits.mark(own.id, own.lane, limit=control.limit)
        except PermitRefused as refused:
            return refused.control
        return None

    def _without_work(self, search: "_Search", control: Control) -> Control | None:
        """Nothing to grant: look again if the view was old, else drop what is held."""
        if search.seen.control:
            search.seen = NOTHING_SEEN
            return self.permits.read()
        if search.held:
            # Rule 6: the answer shows who found no room while we saw no work.
            after, search.held = self.permits.drop(search.held), None
            return after if after.all_hungry() else None
        own = search.own
        if own and own.id in control.permits and not _is_granted(own, control):
            # Rule 5: an earlier attempt's permit in the id's place may be dropped any moment.
            return self._without_room(search, control)
        return None

    def _unlimited(self, search: "_Search", control: Control) -> None:
        """Without a limit there are no permits: what may run is rung at once."""
        if search.held:
            self.permits.drop(search.held)
        if search.own and not search.keeps and not control.is_closed:
            self._ring(search.own.lane, [search.own.id])

    def _grant(self, control: Control, held: Held | None, seeker: Seeker) -> Control:
        """One conditional write: swap what we hold, replace a lapsed permit, or take a free one."""
        limit = control.limit or 0
        if held:
            return self.permits.swap(held, seeker, limit=limit)
        lapsed = control.lapsed(self.clock.now())
        own = [each for each in lapsed if each.id == seeker.id]
        if own or (lapsed and not control.has_room()):
            return self.permits.swap((own or lapsed)[0], seeker, limit=limit)
        return self.permits.take(seeker, limit=limit)

    def _granted(self, search: "_Search", seeker: Seeker, control: Control) -> None:
        search.held = None
        search.granted += 1
        is_own = search.own is not None and seeker.id == search.own.id
        if is_own:
            search.found = True
        if search.keeps and (is_own or search.own is None):
            album = search.seen.album
            same = album is not None and album.id == root_of(seeker.id)
            search.kept = Grant(seeker, Seen(control, album if same else None))
        else:
            self._ring(seeker.lane, [seeker.id])

    def _best(self, control: Control, search: "_Search") -> Seeker | None:
        """The best of the hungry ids, the `waiting` index and the own id (rule 4), read strongly."""
        own = search.own
        for candidate in self._candidates(control, own):
            if candidate.download_id is None:
                seeker = self._next_child(candidate.root, control, search.seen)
            elif own and candidate.download_id == own.id:
                seeker = self._seeker(own, control)
            else:
                item = self._read(candidate.download_id)
                seeker = self._seeker(item, control) if item else None
                if seeker is None:
                    self._forget(candidate.download_id, item, control)
            if seeker:
                is_old = search.seen.control is not None
                rivals = control.hungry.get(seeker.lane, frozenset()) if is_old else None
                return seeker._replace(rivals=rivals)
        return None

    def _candidates(self, control: Control, own: Download | None) -> list[_Candidate]:
        """Everything that may be next, the best first."""
        by_id = dict(control.all_hungry())
        if own:
            by_id[own.id] = own.lane
        found = {
            _Candidate(order_of(download_id, lane), download_id, download_id) for download_id, lane in by_id.items()
        }
        for entry in self.store.waiting(limit=ENTRIES + len(control.permits)):
            if entry.rank is Rank.CHILDREN:
                found.add(_Candidate(Order(entry.lane, is_root=False, root=entry.id, ordinal=0), entry.id, None))
            elif entry.id not in by_id:
                found.add(_Candidate(order_of(entry.id, entry.lane), entry.id, entry.id))
        return sorted(found, key=lambda candidate: candidate.order)

    def _forget(self, download_id: str, item: Download | None, control: Control) -> None:
        """Remove a hungry id that cannot run, or has its permit, on sight (rule 5)."""
        if item and item.is_claimable(self.clock.now()) and not _is_granted(item, control):
            return
        for lane, ids in control.hungry.items():
            if download_id in ids:
                self.permits.unmark([download_id], lane)

    def _seeker(self, item: Download, control: Control) -> Seeker | None:
        """The item with the permit it would get; None if it cannot run now or has a live one."""
        now = self.clock.now()
        present = control.permits.get(item.id)
        if not item.is_claimable(now) or (present and present.until >= now):
            return None
        until = now + timedelta(seconds=self.lease_s)
        return Seeker(item.id, item.lane, Permit(until, item.epoch, item.round))

    def _next_child(self, root: str, control: Control, seen: Seen) -> Seeker | None:
        """The first releasable child of an active album; without one the index entry is removed (rule 11)."""
        is_seen = seen.album is not None and seen.album.id == root
        album = seen.album if is_seen else self._read(root)
        if album is None or not album.awaits_children:
            return None
        if is_seen and album.round == 0:
            found = self._fresh_child(album, control)
        else:
            found = next(
                filter(None, (self._seeker(child, control) for child in self._releasable(album, control))), None
            )
        if found is None and not seen.control:
            # Refused: a child became releasable, or the entry is gone; the next look sees either.
            with suppress(WriteRefused):
                self.store.write(no_child_left(album))
        return found

    def _fresh_child(self, album: Download, control: Control) -> Seeker | None:
        """The first open child, taken for one that never ran: nearly always true, and no read.

        Where it is wrong, the permit is of an older epoch: its worker sees that and hands it on (rule 3).
        """
        until = self.clock.now() + timedelta(seconds=self.lease_s)
        for ordinal in self._open_ordinals(album):
            child = child_id(album.id, ordinal)
            if child not in control.permits:
                return Seeker(child, album.lane, Permit(until, 0, 0))
        return None

    def _releasable(self, album: Download, control: Control) -> Iterator[Download]:
        """Open children that neither wait nor hold a permit and can be claimed, in album order."""
        now = self.clock.now()
        for ordinal in self._open_ordinals(album):
            child = child_id(album.id, ordinal)
            present = control.permits.get(child)
            if present and present.until >= now:
                continue
            item = self._read(child)
            if item and item.is_claimable(now):
                yield item

    def _open_ordinals(self, album: Download) -> Iterator[int]:
        """Open ordinals that are not held, chunk by chunk."""
        yield from sorted(album.open - album.held)
        for number in sorted(album.open_chunks):
            key = chunk_key(album.id, number)
            holder: Sets | None = self.store.get(key).get(key)
            if holder:
                yield from sorted(holder.open - holder.held)

    def _read(self, download_id: str) -> Download | None:
        key: Key = key_of(download_id)
        found = self.store.get(key).get(key)
        return found if isinstance(found, Download) else None

    def _ring(self, lane: Lane, download_ids: list[str]) -> None:
        """Ring; a ring that fails is no error: the dispatcher rings."""
        try:
            self.bell.ring(lane, download_ids)
        except Unavailable as error:
            self.log.warning("ring_failed", lane=int(lane), download_ids=download_ids, reason=str(error))


@dataclass(slots=True, kw_only=True)
class _Search:
    """One run of release: what it holds, whom it wants to see granted, and what came of it."""

    held: Held | None = None
    own: Download | None = None
    seen: Seen = NOTHING_SEEN
    keeps: bool = False
    grants: int = 1
    granted: int = 0
    found: bool = False
    kept: Grant | None = None

    @property
    def is_satisfied(self) -> bool:
        """The own item has its permit; or, without one, enough was granted."""
        return self.found if self.own else self.granted >= self.grants


def _is_granted(item: Download, control: Control) -> bool:
    """Whether the map holds a permit for exactly the item's next claim."""
    permit = control.permits.get(item.id)
    return permit is not None and (permit.epoch, permit.round) == (item.epoch, item.round)


def _is_shut(control: Control, search: _Search) -> bool:
    """Whether nothing can be granted: closed, or a swap above a lowered limit."""
    return control.is_closed or bool(search.held and control.limit is not None and len(control.permits) > control.limit)
