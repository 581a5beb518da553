"""Requeueing: everything that failed is tried again, as far as one call can go."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cratekeeper.domain.access import Caller
from cratekeeper.domain.errors import AlreadyQueued, InvalidState, LimitReached, NotFound
from cratekeeper.ports import Clock
from cratekeeper.services.overview import Overview, Search
from cratekeeper.services.steer import Steer

PAGE: Final = 50
"""Downloads that are found at once."""


class Requeued(NamedTuple):
    """How many were requeued, how many could not be, and whether the call ended before it had seen all."""

    requeued: int
    skipped: int
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Requeue:
    """Retries what failed, newest first.

    Args:
        most: downloads that one call looks at.
        window_s: seconds after which it begins no further one.
    """

    overview: Overview
    steer: Steer
    clock: Clock
    most: int
    window_s: float

    def run(self, search: Search, *, by: Caller) -> Requeued:
        """Retry them one by one; what a limit or another download of the same content refuses is skipped."""
        until = self.clock.now() + timedelta(seconds=self.window_s)
        requeued = skipped = 0
        after: str | None = None
        while self._goes_on(requeued + skipped, until):
            found = self.overview.find(search, after=after, limit=min(PAGE, self.most - requeued - skipped))
            for number, item in enumerate(found.items):
                if not self._goes_on(requeued + skipped, until):
                    return Requeued(requeued, skipped, more=number < len(found.items))
                is_done = self._retry(item.id, by)
                requeued, skipped = requeued + is_done, skipped + (not is_done)
            after = found.next_after
            if after is None:
                return Requeued(requeued, skipped, more=False)
        return Requeued(requeued, skipped, more=True)

    def _goes_on(self, looked_at: int, until: datetime) -> bool:
        return looked_at < self.most and self.clock.now() < until

    def _retry(self, download_id: str, by: Caller) -> bool:
        try:
            self.steer.retry(download_id, caller=by)
        except (AlreadyQueued, InvalidState, LimitReached, NotFound):
            return False
        return True
