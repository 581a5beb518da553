"""Popular content: plays are logged one by one, and counted into a chart by a job."""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from cratekeeper.domain.catalog import Track
from cratekeeper.domain.errors import Invalid, NotFound
from cratekeeper.domain.ids import Seed, made_at
from cratekeeper.domain.popularity import CHART_DAYS, LONGEST_DAYS, Chart, Play, chart_of, days_until
from cratekeeper.ports import Clock, Library, Plays
from cratekeeper.services.availability import Availabilities, Standings, audio


class Popular(NamedTuple):
    """The tracks of a chart that are still known, each with its plays; no chart = nothing was counted yet."""

    chart: Chart | None
    tracks: list[tuple[Track, int]]
    standings: Standings


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Logs plays and shows the chart."""

    library: Library
    plays: Plays
    availabilities: Availabilities

    def play(self, track_id: str, *, seed: Seed) -> Play:
        """Log a play of a track of the catalog; the same seed logs it once. Raises NotFound."""
        if not self.library.tracks([track_id]):
            raise NotFound("no such track in the catalog")
        play = Play(id=seed.root, track_id=track_id, at=made_at(seed.root))
        self.plays.log(play)
        return play

    def popular(self, *, limit: int) -> Popular:
        """The first `limit` tracks of the last chart."""
        chart = self.plays.chart()
        places = chart.places[:limit] if chart else ()
        known = self.library.tracks(each.track_id for each in places)
        tracks = [(known[each.track_id], each.plays) for each in places if each.track_id in known]
        return Popular(chart, tracks, self.availabilities.of(audio(track for track, _ in tracks)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """The work of the job `popular_content`."""

    plays: Plays
    clock: Clock

    def recount(self, *, days: int = CHART_DAYS) -> Chart:
        """Count the plays of the last `days` UTC days (1..90) and publish the chart; repeating it is harmless.

        Memory grows with the tracks that were played, never with the plays. Raises Invalid.
        """
        if not 1 <= days <= LONGEST_DAYS:
            raise Invalid(f"days must be 1 to {LONGEST_DAYS}", ("params.days", f"not 1 to {LONGEST_DAYS}"))
        now = self.clock.now()
        counts: Counter[str] = Counter()
        for day in days_until(now, days):
            counts.update(self.plays.of_day(day))
        chart = chart_of(counts, now=now, days=days)
        self.plays.publish(chart)
        return chart
