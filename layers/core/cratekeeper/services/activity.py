"""Activity: sealed slots of the past, and a count of what is not sealed yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from cratekeeper.domain.activity import ENDED, SLOT, Activity, counted, hour_of, slot_of, total
from cratekeeper.domain.events import HistoryEntry
from cratekeeper.ports import Clock, HistoryStore

GRACE: Final = timedelta(minutes=5)
"""A slot is sealed so long after its end: what is projected later than that is counted when it comes."""

LONGEST: Final = timedelta(hours=168)
"""Nobody is shown what is older, so it is not sealed after the fact either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityReport:
    """Reads activity: one read of sealed rows, and one of the history's last minutes for each day they touch."""

    history: HistoryStore
    clock: Clock

    def hourly(self, hours: int) -> list[Activity]:
        """One row for each of the last `hours` hours (1..168), oldest first; the last one is the current hour."""
        last = hour_of(self.clock.now())
        first = last - timedelta(hours=hours - 1)
        by_hour = {at: list(rows) for at, rows in groupby(self.since(first), key=lambda row: hour_of(row.at))}
        each_hour = (first + timedelta(hours=number) for number in range(hours))
        return [total(at, by_hour.get(at, ())) for at in each_hour]

    def since(self, first: datetime) -> list[Activity]:
        """The slots from `first` on in which something ended, oldest first."""
        sealed = self.history.activity(since=first)
        unsealed = max(first, sealed.until or first)
        until = slot_of(self.clock.now()) + 2 * SLOT  # clocks differ a little
        live = counted(self.history.ended(since=unsealed, until=until))
        return [*(row for row in sealed.rows if row.at < unsealed), *live.values()]


@dataclass(slots=True, kw_only=True)
class ActivitySeal:
    """Seals slots that are over, by a recount; whoever projects calls it, and any number of times is harmless.

    `until` is how far this process knows everything to be sealed.
    """

    history: HistoryStore
    clock: Clock
    until: datetime | None = None

    def run(self, projected: Iterable[HistoryEntry]) -> None:
        """Seal the slots that ended meanwhile, and count those anew that the entries just put are late for.

        The index that is counted lags behind what was just put: so those entries are counted as well.
        """
        ended = [entry for entry in projected if entry.event.type in ENDED]
        open_from = slot_of(self.clock.now() - GRACE)
        if self.until is None:
            self.until = self.history.activity(since=open_from).until
        if self.until is None:
            if not ended:
                return
            self.until = min(open_from, *(slot_of(entry.event.at) for entry in ended))
        for late in sorted({at for entry in ended if (at := slot_of(entry.event.at)) < self.until}):
            self.history.seal(self._counted(late, late + SLOT, ended))
        if open_from > self.until:
            first = max(self.until, open_from - LONGEST)
            self.history.seal(self._counted(first, open_from, ended), until=open_from)
            self.until = open_from

    def _counted(self, since: datetime, until: datetime, ended: list[HistoryEntry]) -> list[Activity]:
        seen = [*self.history.ended(since=since, until=until), *ended]
        return [row for at, row in counted(seen).items() if since <= at < until]
