"""Plays become a chart."""

from datetime import timedelta

import pytest

from cratekeeper.domain.errors import Invalid, NotFound
from cratekeeper.domain.ids import Seed
from cratekeeper.domain.popularity import LONGEST_DAYS, Place
from tests.memory.samples import content_id
from tests.support.crate import Crate
from tests.support.library import TRACKS, shelf_of, stock


def play(crate: Crate, track: str, *, times: int = 1) -> None:
    listening, world = shelf_of(crate.world).listening, crate.world
    for _ in range(times):
        listening.play(track, seed=Seed(world.ids.download(world.clock.now())))


def test_the_most_played_come_first(crate: Crate) -> None:
    stock(crate.world)
    play(crate, TRACKS[0])
    play(crate, TRACKS[1], times=3)
    shelf = shelf_of(crate.world)
    assert shelf.charts.recount().places == (Place(TRACKS[1], 3), Place(TRACKS[0], 1))
    found = shelf.listening.popular(limit=1)
    assert [(track.name, plays) for track, plays in found.tracks] == [("Shelved 2", 3)]
    assert found.standings[TRACKS[1]].media is not None
    assert found.chart is not None
    assert (found.chart.at, found.chart.days) == (crate.world.clock.now(), 30)


def test_the_same_request_is_one_play(crate: Crate) -> None:
    stock(crate.world)
    listening, seed = shelf_of(crate.world).listening, Seed(crate.world.ids.download(crate.world.clock.now()))
    first = listening.play(TRACKS[0], seed=seed)
    crate.world.clock.advance(86_400)
    assert listening.play(TRACKS[0], seed=seed) == first
    assert len(crate.world.plays.rows) == 1


def test_before_the_first_count_there_is_no_chart(crate: Crate) -> None:
    stock(crate.world)
    play(crate, TRACKS[0])
    found = shelf_of(crate.world).listening.popular(limit=50)
    assert (found.chart, found.tracks, found.standings) == (None, [], {})


def test_a_track_that_left_the_catalog_leaves_the_chart(crate: Crate) -> None:
    stock(crate.world)
    play(crate, TRACKS[0])
    play(crate, TRACKS[1])
    shelf = shelf_of(crate.world)
    shelf.charts.recount()
    del crate.world.catalog.tracks[TRACKS[0]]
    assert [track.id for track, _ in shelf.listening.popular(limit=50).tracks] == [TRACKS[1]]


def test_a_play_of_what_the_catalog_does_not_know_is_refused(crate: Crate) -> None:
    with pytest.raises(NotFound):
        play(crate, content_id("unknown"))
    assert crate.world.plays.rows == {}


def test_a_chart_looks_back_so_many_days_and_counting_again_changes_nothing(crate: Crate) -> None:
    stock(crate.world)
    for track in TRACKS:
        play(crate, track)
        crate.world.clock.advance(timedelta(days=2).total_seconds())
    charts = shelf_of(crate.world).charts
    assert charts.recount(days=2).places == ()
    assert charts.recount(days=3).places == (Place(TRACKS[1], 1),)
    assert charts.recount(days=5) == charts.recount(days=5)
    assert {place.track_id for place in charts.recount(days=5).places} == {*TRACKS}


@pytest.mark.parametrize("days", [0, -1, LONGEST_DAYS + 1])
def test_a_chart_of_any_other_length_is_refused(crate: Crate, days: int) -> None:
    with pytest.raises(Invalid):
        shelf_of(crate.world).charts.recount(days=days)
