"""The log of plays in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from cratekeeper.domain.limits import day_of
from cratekeeper.domain.popularity import Chart, Play
from tests.memory.calls import Calls, fault_point


@dataclass(slots=True)
class MemoryPlays:
    """Plays by id, and the last chart."""

    calls: Calls = field(default_factory=Calls)
    rows: dict[str, Play] = field(default_factory=dict)
    charts: list[Chart] = field(default_factory=list)
    port: str = "plays"

    @fault_point
    def log(self, play: Play) -> None:
        self.rows[play.id] = play

    @fault_point
    def of_day(self, day: str) -> Iterator[str]:
        return iter([play.track_id for play in self.rows.values() if day_of(play.at) == day])

    @fault_point
    def publish(self, chart: Chart) -> None:
        self.charts.append(chart)

    @fault_point
    def chart(self) -> Chart | None:
        return self.charts[-1] if self.charts else None
