"""Gauges: how much there is to do, told once a minute for dashboards and alarms."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cratekeeper.domain.control import Control
from cratekeeper.domain.counts import COUNTED
from cratekeeper.domain.errors import Unavailable
from cratekeeper.domain.ids import key_of
from cratekeeper.domain.limits import AlbumCapacity, day_window, hour_window
from cratekeeper.domain.metrics import ACTIVE, CAPACITY_USED, OLDEST_WAITING, QUEUE_SIZE, WAITING, Measure
from cratekeeper.domain.models import Download
from cratekeeper.domain.states import State
from cratekeeper.ports import Clock, DownloadStore, Metrics, Permits
from cratekeeper.services.counting import Counting

PERIOD: Final = timedelta(seconds=55)
"""Just below the schedule's minute, so that each scheduled tick tells."""

OLDEST: Final = 20
"""Waiting downloads that are looked at for the oldest: those before it may be parked."""


@dataclass(slots=True, kw_only=True)
class Gauges:
    """Reads some thirty pages of keys a minute; of a queue that was and is empty, the control item alone.

    Args:
        capacity: albums that may start an hour and a day.
    """

    store: DownloadStore
    permits: Permits
    metrics: Metrics
    clock: Clock
    capacity: AlbumCapacity
    _told: list[Measure] | None = None
    _next: datetime | None = None

    def run(self, *, is_idle: bool) -> None:
        """Tell the gauges if it is time; `is_idle` says that the tick before found nothing to do.

        What cannot be read is told a minute later: nobody's work may fail for a figure.
        """
        now = self.clock.now()
        if self._next and now < self._next:
            return
        self._next = now + PERIOD
        try:
            control = self.permits.read()
            rests = is_idle and not (control.permits or control.is_closed or control.limit is None)
            if self._told is None or not rests or any(value for each in self._told for value in each.values):
                self._told = list(self._measured(control, now))
        except Unavailable:
            return
        self.metrics.emit(*self._told)

    def _measured(self, control: Control, now: datetime) -> Iterator[Measure]:
        counting = Counting(store=self.store)
        lanes = counting.lanes()
        for lane, number in lanes.items():
            yield Measure(WAITING, [number], {"Lane": lane.name.lower()})
        for state, number in {State.PENDING: sum(lanes.values()), **counting.states(COUNTED)}.items():
            yield Measure(QUEUE_SIZE, [number], {"Status": state.value})
        hour, day = self.store.albums_started(hour_window(now), day_window(now))
        yield Measure(CAPACITY_USED, [_percent(hour, self.capacity.max_per_hour)], {"Window": "hour"})
        yield Measure(CAPACITY_USED, [_percent(day, self.capacity.max_per_day)], {"Window": "day"})
        yield Measure(ACTIVE, [len(control.permits)])
        yield Measure(OLDEST_WAITING, [0 if control.is_closed else self._longest_wait(now)])

    def _longest_wait(self, now: datetime) -> float:
        """Seconds since the oldest PENDING root that is not parked last changed: since it could have started."""
        ids = self.store.oldest(State.PENDING, limit=OLDEST)
        found = self.store.get(*map(key_of, ids)).values() if ids else ()
        since = [
            item.updated_at
            for item in found
            if isinstance(item, Download) and item.state is State.PENDING and item.parked_until is None
        ]
        return max(0.0, (now - min(since)).total_seconds()) if since else 0


def _percent(used: int, most: int | None) -> float:
    """Of a limit: 0 where there is none, 100 where nothing may start."""
    if most is None:
        return 0
    return 100 * used / most if most else 100
