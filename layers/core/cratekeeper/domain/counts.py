"""How many roots wait, run or rest: exact while they are few, at most a minute old when they are many."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.states import State

EXACT: Final = 1000
"""Up to here a number is counted when it is asked for; beyond it the last recount is shown."""

RECOUNT_S: Final = 55
"""The dispatcher counts everything anew once that is so old: with each of its ticks on AWS, once a minute locally."""

COUNTED: Final = (State.IN_PROGRESS, State.RETRY_WAITING, State.PAUSED)
"""States that are counted by themselves; PENDING is the sum of the lanes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A recount: when it was made, PENDING roots by lane (parked ones too), and roots by the COUNTED states."""

    at: datetime
    by_lane: Mapping[Lane, int]
    by_state: Mapping[State, int]


def shown(counted: int, recounted: int) -> int:
    """The number to show: the one counted (at most EXACT + 1), or, if there are more, the last recount."""
    return counted if counted <= EXACT else max(counted, recounted)
