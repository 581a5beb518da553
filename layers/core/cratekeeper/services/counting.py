"""Counting: how many roots there are, at a cost that does not grow with the queue."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cratekeeper.domain.control import Control
from cratekeeper.domain.counts import EXACT, RECOUNT_S, Counts, shown
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.states import State
from cratekeeper.ports import DownloadStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """Reads at most EXACT + 1 entries of an index for a number; beyond, what the dispatcher counted last."""

    store: DownloadStore

    def lanes(self) -> dict[Lane, int]:
        """PENDING roots by lane, parked ones too: at most seven calls."""
        counted = {lane: self.store.waiting_count(lane, limit=EXACT + 1) for lane in Lane}
        last = self._last(counted)
        return {lane: shown(number, last.by_lane[lane] if last else 0) for lane, number in counted.items()}

    def states(self, states: Collection[State]) -> dict[State, int]:
        """Roots by state (of those in COUNTED): at most four calls each, and one."""
        counted = {state: self.store.count(state, limit=EXACT + 1) for state in states}
        last = self._last(counted)
        return {state: shown(number, last.by_state[state] if last else 0) for state, number in counted.items()}

    def _last(self, counted: Mapping[Lane, int] | Mapping[State, int]) -> Counts | None:
        return self.store.recounted() if max(counted.values()) > EXACT else None


def recount(store: DownloadStore, control: Control, due: Collection[str], now: datetime) -> None:
    """The dispatcher's share: about once a minute, unless nothing runs, is due or is held back."""
    if due or control.permits or control.is_closed:
        store.recount(now=now, older_than=now - timedelta(seconds=RECOUNT_S))
