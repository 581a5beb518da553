from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper.domain.ids import made_at
from cratekeeper.domain.popularity import CHART_TRACKS, Place, chart_of, days_until
from tests.memory.virtual import START, SeededIds

counts = st.dictionaries(st.text("ab", min_size=1, max_size=9), st.integers(1, 5))


@given(counts)
def test_a_chart_ranks_by_plays_and_equals_by_id(played: dict[str, int]) -> None:
    places = chart_of(Counter(played), now=START, days=7).places
    assert [*places] == sorted(places, key=lambda place: (-place.plays, place.track_id))
    assert dict(places) == played


def test_a_chart_has_so_many_places() -> None:
    chart = chart_of({f"{number}": number for number in range(CHART_TRACKS + 50)}, now=START, days=7)
    assert len(chart.places) == CHART_TRACKS
    assert chart.places[0] == Place(f"{CHART_TRACKS + 49}", CHART_TRACKS + 49)


def test_the_days_of_a_chart_are_utc_days_and_todays_is_one() -> None:
    now = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    assert days_until(now, 3) == ["2026-03-01", "2026-02-28", "2026-02-27"]


@pytest.mark.parametrize("number", range(3))
def test_an_id_says_when_it_was_made(number: int) -> None:
    assert made_at(SeededIds(number).download(START)) == START
    assert made_at("0" * 26) == datetime(1970, 1, 1, tzinfo=UTC)
