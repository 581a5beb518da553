"""Candidates: the best of the hungry ids, the `waiting` index and one's own id (protocol rules 4, 5 and 11)."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cratekeeper.domain.control import Control, Held, Permit, Seeker
from cratekeeper.domain.errors import WriteRefused
from cratekeeper.domain.ids import child_id, chunk_key, key_of, root_of
from cratekeeper.domain.lanes import Lane, Order, Rank, order_of
from cratekeeper.domain.models import Download, Sets
from cratekeeper.domain.transitions import no_child_left
from cratekeeper.ports import Clock, DownloadStore, Permits, WaitingEntry

ENTRIES: Final = 8
"""Index entries read at once, beside those that hold a permit already: the first is nearly always runnable."""

READS: Final = 100
"""Items of one strong read."""


class View(NamedTuple):
    """What a choice rests on.

    control: the control item; is_old: read before others may have changed it; album: an expanded
    album as just written by the caller; own: an item that became runnable; held: the permit in hand.
    """

    control: Control
    is_old: bool = False
    album: Download | None = None
    own: Download | None = None
    held: Held | None = None


class _Candidate(NamedTuple):
    """Something that may be next: a download, or (`download_id` None) the next child of an album."""

    order: Order
    root: str
    download_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Finds who is next, reading strongly whom it names.

    Args:
        lease_s: how long a fresh permit lasts, in seconds.
        is_configured: whether a downloader service is set; without one nothing can run, so nothing is granted.
    """

    store: DownloadStore
    permits: Permits
    clock: Clock
    lease_s: int
    is_configured: bool = True

    def entries(self, control: Control) -> list[WaitingEntry]:
        """The head of the `waiting` index."""
        return self.store.waiting(limit=ENTRIES + len(control.permits))

    def granted(self, control: Control) -> list[Download]:
        """What has a live permit for its next claim and is not begun, the best first; strong, at most `READS`."""
        now = self.clock.now()
        live = sorted(each for each, permit in control.permits.items() if permit.until >= now)[:READS]
        found = self.store.get(*map(key_of, live)).values() if live else ()
        return self.unbegun([item for item in found if isinstance(item, Download)], control)

    def unbegun(self, items: Iterable[Download], control: Control) -> list[Download]:
        """Those of the items that have a permit for their next claim and may be claimed, the best first."""
        now = self.clock.now()
        waiting = [item for item in items if item.is_claimable(now) and is_granted(item, control)]
        return sorted(waiting, key=lambda item: order_of(item.id, item.lane))

    def best(self, view: View, entries: list[WaitingEntry]) -> Seeker | None:
        """The first in the order of work that may run now, with the permit that it would get."""
        if not self.is_configured:
            return None
        later: list[Seeker] = []  # the index, or a mark, shows a higher lane than they are in now
        for candidate in _in_order(view, entries):
            if candidate.download_id is None:
                seeker = self._next_child(candidate.root, view)
            elif view.own and (candidate.download_id, candidate.order.lane) == (view.own.id, view.own.lane):
                seeker = self._seeker(view.own, view)
            else:
                seeker = self._named(candidate.download_id, candidate.order.lane, view)
            if seeker and seeker.lane <= candidate.order.lane:
                return _as_seen(seeker, view)
            later += [seeker] if seeker else []
        return _as_seen(min(later, key=lambda seeker: seeker.lane), view) if later else None

    def releasable(self, album: Download, control: Control) -> Iterator[Download]:
        """Open children that neither wait nor hold a live permit and can be claimed, in album order; strong."""
        now = self.clock.now()
        for ordinal in self.open_ordinals(album):
            child = child_id(album.id, ordinal)
            present = control.permits.get(child)
            item = None if present and present.until >= now else self._read(child)
            if item and item.is_claimable(now):
                yield item

    def open_ordinals(self, album: Download) -> Iterator[int]:
        """Open ordinals that are not held, chunk by chunk."""
        yield from sorted(album.open - album.held)
        for number in sorted(album.open_chunks):
            key = chunk_key(album.id, number)
            holder: Sets | None = self.store.get(key).get(key)
            if holder:
                yield from sorted(holder.open - holder.held)

    def fresh_child(self, album: Download, view: View) -> str | None:
        """The id of the first open child that nobody runs, taken for one that never ran: no read.

        Where the view is old, the others' children are taken for the first open ones, for children
        start in their order. Where either is wrong, the swap is refused, or the permit is of an
        older epoch and its worker hands it on (rule 3).
        """
        others = [each for each in view.control.permits if root_of(each) == album.id and each != _id(view.held)]
        left = self.open_ordinals(album)
        for place, ordinal in enumerate(left):
            child = child_id(album.id, ordinal)
            if place >= len(others) if view.is_old else child not in others:
                return child
        return None

    def _named(self, download_id: str, lane: Lane, view: View) -> Seeker | None:
        """A hungry or waiting download, if it may run; else its hungry mark goes, on sight (rule 5).

        So does a mark in a lane that the download has left: whoever moved it could not say so, or
        somebody marked it on an older view. In its own lane it is a candidate of its own.
        """
        is_marked = download_id in view.control.hungry.get(lane, ())
        if not is_marked and self._is_taken(download_id, view):
            return None  # the index still shows what somebody is about to start
        item = self._read(download_id)
        seeker = self._seeker(item, view) if item and item.lane is lane else None
        may_run = item is not None and item.is_claimable(self.clock.now()) and not is_granted(item, view.control)
        is_of_use = may_run and item is not None and item.lane is lane
        if seeker is None and not is_of_use and is_marked:
            self.permits.unmark([download_id], lane)
        return seeker

    def _seeker(self, item: Download, view: View) -> Seeker | None:
        """The item with the permit it would get; None if it cannot run now, or another live permit is in its name."""
        if self._is_taken(item.id, view) or not item.is_claimable(self.clock.now()):
            return None
        return Seeker(item.id, item.lane, Permit(self._until(), item.epoch, item.round))

    def _is_taken(self, download_id: str, view: View) -> bool:
        """Whether a live permit that is not in our hands is in the id's name."""
        present = view.control.permits.get(download_id)
        is_live = present is not None and present.until >= self.clock.now()
        return is_live and present is not None and view.held != Held(download_id, present)

    def _next_child(self, root: str, view: View) -> Seeker | None:
        """The first releasable child of an active album; without one the index entry is removed (rule 11)."""
        is_seen = view.album is not None and view.album.id == root
        album = view.album if is_seen else self._read(root)
        if album is None or not album.awaits_children:
            return None
        if is_seen and album.round == 0:
            child = self.fresh_child(album, view)
            found = Seeker(child, album.lane, Permit(self._until(), 0, 0)) if child else None
        else:
            found = next((self._seeker(child, view) for child in self.releasable(album, view.control)), None)
        if found is None and not view.is_old:
            # Refused: a child became releasable, or the entry is gone; the next look sees either.
            with suppress(WriteRefused):
                self.store.write(no_child_left(album))
        return found

    def _until(self) -> datetime:
        return self.clock.now() + timedelta(seconds=self.lease_s)

    def _read(self, download_id: str) -> Download | None:
        key = key_of(download_id)
        found = self.store.get(key).get(key)
        return found if isinstance(found, Download) else None


def _as_seen(seeker: Seeker, view: View) -> Seeker:
    """With the rivals among which it is the best, where the view may be old."""
    return seeker._replace(rivals=view.control.hungry.get(seeker.lane, frozenset()) if view.is_old else None)


def is_granted(item: Download, control: Control) -> bool:
    """Whether the map holds a permit for exactly the item's next claim."""
    permit = control.permits.get(item.id)
    return permit is not None and (permit.epoch, permit.round) == (item.epoch, item.round)


def _id(held: Held | None) -> str | None:
    return held.id if held else None


def _in_order(view: View, entries: list[WaitingEntry]) -> list[_Candidate]:
    """Everything that may be next, the best first; an id once for each lane that it is marked in."""
    marks = view.control.all_hungry()
    if view.own:
        marks.append((view.own.id, view.own.lane))
    found = {_Candidate(order_of(each, lane), each, each) for each, lane in marks}
    for entry in entries:
        if entry.rank is Rank.CHILDREN:
            found.add(_Candidate(Order(entry.lane, is_root=False, root=entry.id, ordinal=0), entry.id, None))
        else:
            found.add(_Candidate(order_of(entry.id, entry.lane), entry.id, entry.id))
    return sorted(found, key=lambda candidate: candidate.order)
