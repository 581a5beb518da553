"""Plays, and the chart that is made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cratekeeper.domain.limits import day_of

CHART_DAYS: Final = 30
"""How far a chart looks back unless it is told: the days of a month, today's with them."""

LONGEST_DAYS: Final = 90
"""How far a chart may look back, and how long a play is kept."""

CHART_TRACKS: Final = 200
"""The places of a chart: what one page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Somebody played a track; `id` is a ULID. Who it was is not kept."""

    id: str
    track_id: str
    at: datetime


class Place(NamedTuple):
    """A track of a chart, and how often it was played."""

    track_id: str
    plays: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The most played tracks of the last `days` UTC days, as counted at `at`."""

    at: datetime
    days: int
    places: tuple[Place, ...]


def chart_of(counts: Mapping[str, int], *, now: datetime, days: int) -> Chart:
    """The chart of these counts: the most played first, equals by id so that it does not flicker."""
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return Chart(at=now, days=days, places=tuple(Place(*each) for each in ranked[:CHART_TRACKS]))


def days_until(now: datetime, days: int) -> list[str]:
    """The UTC days that a chart looks at, today first."""
    return [day_of(now - timedelta(days=back)) for back in range(days)]
