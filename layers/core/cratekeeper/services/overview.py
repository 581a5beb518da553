"""Overviews for operators: everybody's downloads, and the state of the whole."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cratekeeper.domain.activity import total
from cratekeeper.domain.control import Control
from cratekeeper.domain.counts import COUNTED
from cratekeeper.domain.ids import key_of
from cratekeeper.domain.limits import AlbumCapacity, day_window, hour_window
from cratekeeper.domain.models import Download, Kind, Source
from cratekeeper.domain.states import State
from cratekeeper.ports import Clock, DownloadStore, Page, Permits
from cratekeeper.services.activity import ActivityReport
from cratekeeper.services.counting import Counting
from cratekeeper.services.queries import Listing, Queries

READS: Final = 100
"""Items of one strong read."""

SCANNED: Final = 500
"""Downloads looked at for one page of a selective filter; then the page ends and the cursor goes on."""

OLDEST: Final = 100
"""Running downloads that are looked at for stale ones, beside the holders of permits."""

AVERAGED: Final = timedelta(days=7)
"""What averages are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which downloads an operator wants to see; None = any."""

    state: State | None = None
    user_id: str | None = None
    kind: Kind | None = None
    source: Source | None = None

    def match(self, item: Download) -> bool:
        """Whether the item is one of them."""
        return (
            self.state in {None, item.state}
            and self.user_id in {None, item.requested_by}
            and self.kind in {None, item.kind}
            and self.source in {None, item.source}
        )

    @property
    def is_of_the_index(self) -> bool:
        """Whether an index alone finds them, so that as many are read as are shown."""
        by_item = self.kind is not None or self.source is not None
        return not by_item and (self.user_id is None or self.state is None)


class Found(NamedTuple):
    """Downloads, and the id after which to go on (None = that was all)."""

    items: list[Download]
    next_after: str | None


class Stats(NamedTuple):
    """The whole in numbers; counts are of roots, days are UTC. None = nothing has finished yet."""

    pending: int
    by_state: dict[State, int]
    completed_today: int
    failed_today: int
    stale: int
    capacity: AlbumCapacity
    albums_this_hour: int
    albums_today: int
    average_duration_ms: int | None
    success_rate_percent: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Reads for operators, at a cost that does not grow with what is stored.

    Args:
        capacity: albums that may start an hour and a day.
        stale_s: running work is stale when it is older, in seconds.
    """

    store: DownloadStore
    permits: Permits
    activity: ActivityReport
    queries: Queries
    clock: Clock
    capacity: AlbumCapacity
    stale_s: int

    def downloads(self, search: Search, *, after: str | None, limit: int) -> Listing:
        """Everybody's roots, newest first; filters are applied before the page is cut."""
        found = self.find(search, after=after, limit=limit)
        return Listing(self.queries.views(found.items), found.next_after)

    def find(self, search: Search, *, after: str | None, limit: int) -> Found:
        """The first `limit` of them, out of at most SCANNED looked at where the filter is selective."""
        page = self._page(search, after, limit + 1 if search.is_of_the_index else SCANNED)
        found: list[Download] = []
        for start in range(0, len(page.ids), READS):
            found += filter(search.match, self._read(page.ids[start : start + READS]))
            if len(found) > limit:
                return Found(found[:limit], found[limit - 1].id)
        return Found(found, page.next_after)

    def _page(self, search: Search, after: str | None, limit: int) -> Page:
        if search.user_id is not None:
            return self.store.roots_of(search.user_id, after=after, limit=limit)
        return self.store.newest([search.state] if search.state else list(State), after=after, limit=limit)

    def stats(self) -> Stats:
        """The whole in numbers."""
        now, counting = self.clock.now(), Counting(store=self.store)
        hour, day = self.store.albums_started(hour_window(now), day_window(now))
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        rows = self.activity.since(midnight - AVERAGED)
        week, today = total(midnight, rows), total(midnight, (row for row in rows if row.at >= midnight))
        ended = week.roots_completed + week.roots_failed
        return Stats(
            pending=sum(counting.lanes().values()),
            by_state=counting.states(COUNTED),
            completed_today=today.roots_completed,
            failed_today=today.roots_failed,
            stale=self._stale(self.permits.read(), now),
            capacity=self.capacity,
            albums_this_hour=hour,
            albums_today=day,
            average_duration_ms=week.duration_ms // week.roots_completed if week.roots_completed else None,
            success_rate_percent=round(100 * week.roots_completed / ended, 1) if ended else None,
        )

    def stale(self) -> int:
        """How much work has been running for longer than `stale_s`."""
        return self._stale(self.permits.read(), self.clock.now())

    def _stale(self, control: Control, now: datetime) -> int:
        """Work under a lease that began too long ago: its holder has a permit, or it is among the oldest roots."""
        before = now - timedelta(seconds=self.stale_s)
        ids = [*dict.fromkeys([*control.permits, *self.store.oldest(State.IN_PROGRESS, limit=OLDEST)])]
        items = [item for start in range(0, len(ids), READS) for item in self._read(tuple(ids[start : start + READS]))]
        return sum(_runs_since(item, before) for item in items)

    def _read(self, ids: tuple[str, ...]) -> list[Download]:
        found = self.store.get(*map(key_of, ids)) if ids else {}
        return [item for each in ids if isinstance(item := found.get(key_of(each)), Download)]


def _runs_since(item: Download, before: datetime) -> bool:
    """An album that waits for its children has no lease, and is never stale."""
    return item.is_running and item.started_at is not None and item.started_at < before
