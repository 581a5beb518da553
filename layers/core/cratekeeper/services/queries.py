"""Queries: what the queue looks like to a caller. Nothing here writes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from cratekeeper.domain import progress
from cratekeeper.domain.access import Caller
from cratekeeper.domain.control import Control
from cratekeeper.domain.errors import NotFound
from cratekeeper.domain.events import HistoryEntry
from cratekeeper.domain.ids import is_download_id, key_of
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.limits import (
    AlbumCapacity,
    UserLimits,
    at_capacity,
    can_request,
    day_of,
    day_window,
    hour_window,
    next_day,
    next_hour,
)
from cratekeeper.domain.models import Download, Kind
from cratekeeper.domain.progress import Progress
from cratekeeper.domain.states import ACTIVE, State
from cratekeeper.ports import Clock, DownloadStore, HistoryStore, Permits
from cratekeeper.services.counting import Counting

MOST_POSITIONS: Final = 1000
"""A queue position is exact up to here."""

SCANNED: Final = 1000
"""Downloads looked at for one filtered page; then the page ends and the cursor goes on."""

BATCH: Final = 100

T = TypeVar("T")


class View(NamedTuple):
    """A download with what only a second look can tell."""

    item: Download
    progress: Progress | None = None
    position: int | None = None


class Listing(NamedTuple):
    """One page, and the id or number after which the next one begins (None = the last page)."""

    views: list[View]
    next_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which downloads a list shows; None = any."""

    state: State | None = None
    kind: Kind | None = None
    active: bool | None = None

    def match(self, item: Download) -> bool:
        """Whether the list shows the item."""
        return (
            (self.state is None or item.state is self.state)
            and (self.kind is None or item.kind is self.kind)
            and (self.active is None or (item.state in ACTIVE) == self.active)
        )


class LimitsView(NamedTuple):
    """A caller's limits and the albums' capacity, with what is used of them."""

    mine: UserLimits
    requests_today: int
    in_queue: int
    can_request: bool
    resets_at: datetime
    capacity: AlbumCapacity
    albums_this_hour: int
    albums_today: int
    at_capacity: bool
    capacity_resets_at: datetime


class QueueView(NamedTuple):
    """The queue as a whole; counts are of roots, `active` is permits in use."""

    control: Control
    active: int
    by_lane: dict[Lane, int]
    retry_waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """Reads for the API.

    Args:
        limits: the default per-user limits.
        capacity: albums that may start an hour and a day.
    """

    store: DownloadStore
    permits: Permits
    history: HistoryStore
    clock: Clock
    limits: UserLimits
    capacity: AlbumCapacity

    def one(self, download_id: str, *, caller: Caller) -> View:
        """A download that the caller may see. Raises NotFound, alike for unknown and foreign ones."""
        return self.view(self._visible(download_id, caller))

    def view(self, item: Download) -> View:
        """The item with its progress and its place in the queue."""
        return self.views([item])[0]

    def views(self, items: Sequence[Download]) -> list[View]:
        """The items with their progress and their places, found in one look for all."""
        places = self._places(items)
        return [
            View(item, self._progress(item), places.get(item.id) if item.state is State.PENDING else None)
            for item in items
        ]

    def mine(self, filters: Filters, *, caller: Caller, after: str | None, limit: int) -> Listing:
        """The caller's roots, newest first; filters are applied before the page is cut."""
        found: list[Download] = []
        for _ in range(0, SCANNED, BATCH):
            size = min(BATCH, limit + 1 - len(found)) if filters == Filters() else BATCH
            page = self.store.roots_of(caller.user_id, after=after, limit=size)
            items = self._in_order(page.ids)
            found += [item for item in items if filters.match(item)]
            after = page.next_after
            if after is None or len(found) > limit:
                break
        shown = found[:limit]
        if len(found) > limit:
            after = shown[-1].id
        return Listing(self.views(shown), after)

    def children(self, download_id: str, *, caller: Caller, after: int, limit: int) -> Listing:
        """A download's children in album order."""
        parent = self._visible(download_id, caller)
        children = self.store.children(parent.id, after=after, limit=limit + 1) if parent.is_root else []
        return Listing([View(child) for child in children[:limit]], _next(children, limit, lambda last: last.id))

    def events(
        self, download_id: str, *, caller: Caller, after: int, limit: int
    ) -> tuple[list[HistoryEntry], str | None]:
        """A download's history, oldest first."""
        item = self._visible(download_id, caller)
        entries = self.history.of_download(item.id, after=after, limit=limit + 1)
        return entries[:limit], _next(entries, limit, lambda last: str(last.seq))

    def limits_of(self, caller: Caller) -> LimitsView:
        """What the caller, and everybody, may still start."""
        now = self.clock.now()
        mine, usage = caller.limits(self.limits), self.store.usage(caller.user_id)
        hour, day = self.store.albums_started(hour_window(now), day_window(now))
        full_day = self.capacity.max_per_day is not None and day >= self.capacity.max_per_day
        return LimitsView(
            mine=mine,
            requests_today=usage.requests_on(day_of(now)),
            in_queue=len(usage.active),
            can_request=can_request(usage, mine, now),
            resets_at=next_day(now),
            capacity=self.capacity,
            albums_this_hour=hour,
            albums_today=day,
            at_capacity=at_capacity(self.capacity, this_hour=hour, today=day),
            capacity_resets_at=next_day(now) if full_day else next_hour(now),
        )

    def queue(self) -> QueueView:
        """The queue as a whole, at constant cost: numbers above 1,000 are at most a minute old."""
        control, counting = self.permits.read(), Counting(store=self.store)
        return QueueView(
            control=control,
            active=control.live(self.clock.now()),
            by_lane=counting.lanes(),
            retry_waiting=counting.states([State.RETRY_WAITING])[State.RETRY_WAITING],
        )

    def _visible(self, download_id: str, caller: Caller) -> Download:
        item = self._read(download_id) if is_download_id(download_id) else None
        if item is None or not caller.sees(item.requested_by):
            raise NotFound("no such download")
        return item

    def _read(self, download_id: str) -> Download | None:
        found = self.store.get(key_of(download_id)).get(key_of(download_id))
        return found if isinstance(found, Download) else None

    def _in_order(self, ids: tuple[str, ...]) -> list[Download]:
        found = self.store.get(*(key_of(each) for each in ids)) if ids else {}
        return [item for each in ids if isinstance(item := found.get(key_of(each)), Download)]

    def _progress(self, item: Download) -> Progress | None:
        """Of an ended album what it carries; of an active one the sum over its children."""
        if item.kind is not Kind.ALBUM:
            return None
        if item.is_terminal:
            return progress.of_ended(item)
        if not item.expanded:
            return Progress()
        family = self.store.family(item.id)
        return progress.of_children(family.children if family else ())

    def _places(self, items: Iterable[Download]) -> dict[str, int]:
        """1-based places among all waiting roots by lane and age; one look for all items, none if none waits."""
        if not any(item.is_root and item.state is State.PENDING for item in items):
            return {}
        return {root: place for place, root in enumerate(self.store.waiting_roots(limit=MOST_POSITIONS), start=1)}


def _next(found: Sequence[T], limit: int, place: Callable[[T], str]) -> str | None:
    """Where the next page begins, if more than `limit` were found."""
    return place(found[limit - 1]) if len(found) > limit else None
