"""Release: who may run next. Takes, swaps and drops permits, and rings (protocol rules 3-6 and 11).

Work waits in the table; the queues hold only what may run now. Every path that makes work runnable
ends with a permit for it or with its id marked hungry, and every path that frees a permit looks
for work first: so no wake-up is lost between a finisher that saw no work and a creator that saw no
room.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cratekeeper.domain.control import Control, Held, Marks, Seeker
from cratekeeper.domain.errors import PermitRefused, Unavailable
from cratekeeper.domain.ids import child_id, root_of
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Download
from cratekeeper.domain.states import State
from cratekeeper.ports import Bell, Clock, Log, Permits, WaitingEntry
from cratekeeper.services.candidates import Candidates, View, is_granted

LOOKS: Final = 20
"""Refused looks of one release in a row; then the dispatcher's next tick goes on."""

HUNGRY: Final = 16
"""Marks of a lane beyond which indexed work gets none: 27 bytes each, in an item that every permit write pays for."""


class Seen(NamedTuple):
    """What a caller has read: the control item, however old, and its album as just written."""

    control: Control | None = None
    album: Download | None = None


NOTHING_SEEN: Final = Seen()


class Grant(NamedTuple):
    """A permit for somebody, with the control item and, for a child, the album as just seen."""

    seeker: Seeker
    control: Control
    album: Download | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Grants permits to the best work and rings it.

    Args:
        candidates: who is next.
        permits: the control item.
        bell: the lane queues.
        clock: time.
        log: for rings that failed.
        lease_s: how long a renewed permit lasts, in seconds.
    """

    candidates: Candidates
    permits: Permits
    bell: Bell
    clock: Clock
    log: Log
    lease_s: int

    def hand_on(self, held: Held, *, seen: Seen = NOTHING_SEEN, keeps: bool = False) -> Grant | None:
        """Swap a permit to the best work in one write, or drop it if there is none (rule 3).

        Args:
            held: the permit.
            seen: what the caller read already, so that it need not be read again.
            keeps: return the grant instead of ringing it, for a worker that goes on with it itself.
        """
        return self._run(_Search(held=held, seen=seen, keeps=keeps)).kept

    def give_back(self, held: Sequence[Held], marks: Marks) -> None:
        """Drop permits and hungry marks that are of no use any more, in one write, and look for work (rule 6)."""
        self.fill(self.permits.drop(*held, marks=marks), at_most=max(1, len(held)))

    def ring(self, seeker: Seeker) -> None:
        """Ring for whoever has a permit that its worker does not go on with after all."""
        self._ring(seeker.lane, [seeker.id])

    def ring_granted(self, control: Control, among: Iterable[Download] | None = None) -> None:
        """Ring for permits whose items are not begun: while none could begin, their messages came for nothing.

        Args:
            control: as read, or as just written.
            among: downloads as known; None = whatever has a permit.
        """
        found = self.candidates.granted(control) if among is None else self.candidates.unbegun(among, control)
        for lane in sorted({item.lane for item in found}):
            self._ring(lane, [item.id for item in found if item.lane is lane])

    def next(self, control: Control) -> Grant | None:
        """Take a permit for the best work without ringing it, for a worker that is at hand.

        None without room or work. `control` was read just now.
        """
        return self._run(_Search(keeps=True), control).kept

    def offer(self, item: Download, *, held: Held | None = None) -> None:
        """Find a permit for an item that became runnable, and ring it; without room, mark it hungry.

        `held` is a permit that is of no use any more and may be swapped.
        """
        self._run(_Search(held=held, own=item))

    def offer_all(self, items: Sequence[Download]) -> None:
        """As `offer`, for items that became runnable together, the best first.

        Ends when as many are marked hungry as there are permits: whoever finishes with one of these
        looks for the rest in the index.
        """
        control = self.permits.read()
        if control.limit is None and not control.is_closed:
            for lane in sorted({each.lane for each in items}):
                self._ring(lane, [each.id for each in items if each.lane is lane])
            return
        homeless = 0
        for item in items:
            if control.is_closed or homeless >= (control.limit or 0):
                break
            homeless += not self._run(_Search(own=item)).found

    def claimable(self, item: Download, *, held: Held | None, seen: Seen = NOTHING_SEEN) -> Held | None:
        """As `offer`, for a worker that has the item in hand: its permit is returned instead of rung."""
        kept = self._run(_Search(held=held, own=item, seen=seen, keeps=True)).kept
        return Held(kept.seeker.id, kept.seeker.permit) if kept else None

    def fill(self, control: Control, *, at_most: int, until: datetime | None = None) -> int:
        """Grant as long as there is room and work, at most `at_most` times; returns how often.

        `control` was read just now. Nothing more is granted after `until`: where many workers change
        the control item at once, looks are refused, and somebody waits for the answer.
        """
        granted = 0
        while granted < at_most:  # one look at the index shows a few more than hold permits; a raised limit wants more
            search = self._run(_Search(grants=at_most - granted, until=until), control)
            granted += search.granted
            if not search.granted:
                break
            control = search.last or control
        return granted

    def ring_again(self, item: Download, held: Held) -> None:
        """Ring for a permit whose first ring was perhaps lost; renewing it keeps two dispatchers from both ringing."""
        with suppress(PermitRefused):
            self.permits.renew(held, until=self.clock.now() + timedelta(seconds=self.lease_s))
            self._ring(item.lane, [item.id])

    def offer_children(self, album: Download, control: Control, *, held: Held | None) -> None:
        """After an expansion: swap its permit to the first child, use what other room there is, mark the next child.

        `control` was read during it.
        """
        if control.limit is None:
            if not control.is_closed:
                self._ring(album.lane, [child_id(album.id, n) for n in self.candidates.open_ordinals(album)])
            return
        search = self._run(_Search(held=held, grants=1 + control.limit, seen=Seen(control, album)))
        after = search.last or control
        if after.limit is not None and not self._has_room(after):
            left = self.candidates.fresh_child(album, View(after))
            if left and self._mark(left, album.lane, after):
                self._run(_Search(grants=after.limit))

    def _run(self, search: "_Search", control: Control | None = None) -> "_Search":
        """Look again and again until the search is satisfied or nothing is left to do; then ring."""
        at: Control | None = control or search.seen.control or self.permits.read()
        while at and at.limit is not None and not search.is_over and not self._is_late(search):
            at = self._look(search, at)
        if at and at.limit is None:
            self._unlimited(search, at)
        for lane, ids in search.rings.items():
            self._ring(lane, ids)
        return search

    def _look(self, search: "_Search", control: Control) -> Control | None:
        """One look and at most one grant; the control item for the next look, None = nothing is left to do."""
        search.last = control
        if search.held is None and not self._has_room(control):
            return self._without_room(search, control)
        seeker = None if _is_shut(control, search) else self._best(control, search)
        if seeker is None:
            return self._without_work(search, control)
        try:
            after = self._grant(control, search.held, seeker)
        except PermitRefused as refused:
            return search.refused(refused.control)
        search.granted_to(seeker, after)
        return after

    def _best(self, control: Control, search: "_Search") -> Seeker | None:
        """The best candidate; the index is read once for all grants between two refusals."""
        view = View(control, search.seen.control is not None, search.seen.album, search.own, search.held)
        if search.entries is None:
            search.entries = self.candidates.entries(control)
        return self.candidates.best(view, search.entries)

    def _is_late(self, search: "_Search") -> bool:
        return search.until is not None and self.clock.now() >= search.until

    def _has_room(self, control: Control) -> bool:
        """Whether a permit is free: not taken, or lapsed."""
        is_within = control.limit is not None and len(control.permits) <= control.limit
        return control.has_room() or (is_within and bool(control.lapsed(self.clock.now())))

    def _without_room(self, search: "_Search", control: Control) -> Control | None:
        """Mark the own id hungry (rule 5).

        A lane with HUNGRY ids needs no further mark of what the index shows: whoever finishes sees
        the lane hungry and looks there. So the control item stays small. A root that started before
        is in no index and is marked all the same.
        """
        own = search.own
        if own is None or search.found:
            return None
        is_indexed = own.state is State.PENDING or not own.is_root
        if is_indexed and len(control.hungry.get(own.lane, ())) >= HUNGRY:
            return None
        return self._mark(own.id, own.lane, control)

    def _mark(self, download_id: str, lane: Lane, control: Control) -> Control | None:
        """Mark an id hungry; refused, room appeared: the control item to look at again."""
        if control.is_closed or control.limit is None:
            return None
        try:
            self.permits.mark(download_id, lane, limit=control.limit)
        except PermitRefused as refused:
            return refused.control
        return None

    def _without_work(self, search: "_Search", control: Control) -> Control | None:
        """Nothing to grant: drop what is held. Rule 6: the answer shows who found no room while we saw no work."""
        own = search.own
        if search.held:
            after = self.permits.drop(search.held)
            search.dropped()
            return after if own or after.all_hungry() else None
        if own and own.id in control.permits and not is_granted(own, control):
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
        """Swap what we hold, replace a lapsed permit, or take a free one: one conditional write, hardly ever two."""
        limit = control.limit or 0
        lapsed = control.lapsed(self.clock.now())
        own = [each for each in lapsed if each.id == seeker.id]
        if held:
            if own and held not in own:
                self.permits.drop(*own)  # a second permit in its name would refuse the swap
            return self.permits.swap(held, seeker, limit=limit)
        if own or (lapsed and not control.has_room()):
            return self.permits.swap((own or lapsed)[0], seeker, limit=limit)
        return self.permits.take(seeker, limit=limit)

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
    until: datetime | None = None
    granted: int = 0
    refusals: int = 0
    found: bool = False
    kept: Grant | None = None
    entries: list[WaitingEntry] | None = None
    last: Control | None = None
    rings: dict[Lane, list[str]] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """The own item has its permit, or, without one, enough was granted; or too many looks were refused."""
        is_satisfied = self.found if self.own else self.granted >= self.grants
        return is_satisfied or self.refusals >= LOOKS

    def refused(self, control: Control) -> Control:
        """A grant was refused: the view was old. A lost permit is forgotten."""
        self.refusals += 1
        self.entries = None
        self.seen = Seen(None, self.seen.album)
        if self.held and not control.holds(self.held):
            self.held = None
        return control

    def dropped(self) -> None:
        """The permit is gone; what is looked at from here on is fresh."""
        self.held, self.seen, self.entries = None, NOTHING_SEEN, None

    def granted_to(self, seeker: Seeker, control: Control) -> None:
        """Somebody has the permit: to be kept, or to be rung at the end."""
        is_own = self.own is not None and seeker.id == self.own.id
        self.held, self.last = None, control
        self.granted += 1
        self.found = self.found or is_own
        if self.keeps and (is_own or self.own is None):
            album = self.seen.album
            same = album is not None and album.id == root_of(seeker.id)
            self.kept = Grant(seeker, control, album if same else None)
        else:
            self.rings.setdefault(seeker.lane, []).append(seeker.id)
        self.seen = Seen(None, self.seen.album)


def _is_shut(control: Control, search: _Search) -> bool:
    """Whether nothing can be granted: closed, or a swap above a lowered limit."""
    return control.is_closed or bool(search.held and control.limit is not None and len(control.permits) > control.limit)
