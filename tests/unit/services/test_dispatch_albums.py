"""The dispatcher's visits to albums: parked ones, and those that wait for their children."""

from datetime import datetime
from typing import Any

import pytest

from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import child_id
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.limits import AlbumCapacity
from cratekeeper.domain.models import NONE, Download, Kind
from cratekeeper.domain.states import State
from cratekeeper.services.dispatch import Tick
from tests.support.builders import (
    NOW,
    ROOT,
    a_child,
    a_chunk,
    a_download,
    a_running,
    an_album,
    at,
)
from tests.support.crash import killed_at, meanwhile
from tests.support.crate import Crate, Knobs


def in_a_minute(crate: Crate) -> Tick:
    crate.world.clock.advance(60)
    return crate.dispatch.tick()


def parked(until: datetime = NOW) -> Download:
    waiting = Waiting(Lane.NORMAL, Rank.PARKED)
    return a_download(kind=Kind.ALBUM, parked_until=until, due_at=until, waiting=waiting)


@pytest.mark.case("L-11")
@pytest.mark.parametrize("limit", [3, None])
def test_a_parked_album_starts_when_its_window_ends(limit: int | None) -> None:
    crate = Crate.of(limit=limit)
    crate.put(parked())
    crate.dispatch.tick()
    assert crate.item(ROOT).parked_until is None
    assert crate.rung() == [ROOT]


@pytest.mark.parametrize(
    ("capacity", "until"),
    [
        (AlbumCapacity(max_per_hour=0, max_per_day=9), at(3600)),
        (AlbumCapacity(max_per_hour=9, max_per_day=0), at(16 * 3600)),
        (AlbumCapacity(max_per_hour=0, max_per_day=None), at(3600)),
    ],
)
def test_a_parked_album_waits_for_the_next_window_if_this_one_is_full(capacity: AlbumCapacity, until: datetime) -> None:
    crate = Crate.of(knobs=Knobs(capacity=capacity))
    crate.put(parked())
    crate.dispatch.tick()
    assert (crate.item(ROOT).parked_until, crate.rung()) == (until, [])


def test_a_parked_album_whose_window_goes_on_stays_parked(crate: Crate) -> None:
    album = parked(at(3600))
    crate.put(album)
    crate.dispatch.visit(ROOT)
    assert crate.item(ROOT) == album


@pytest.mark.case("L-11", "L-12")
def test_albums_start_hour_by_hour() -> None:
    crate = Crate.of(knobs=Knobs(capacity=AlbumCapacity(max_per_hour=2, max_per_day=60)))
    albums = [crate.album(f"{number}", tracks=1) for number in range(5)]
    ended = []
    for _ in range(3):
        crate.drain()
        ended.append(sum(crate.item(album).is_terminal for album in albums))
        crate.world.clock.advance(3600)
        crate.dispatch.tick()
    assert ended == [2, 4, 5]


# Albums that wait for their children


def family(crate: Crate, *states: State, **fields: Any) -> None:
    """An album that waits for children in these states; `fields` are the root's."""
    open_ = frozenset(range(1, len(states) + 1))
    crate.put(an_album(len(states), **{"open": open_, "due_at": at(0), **fields}))
    for ordinal, state in enumerate(states, 1):
        crate.put(a_child(ordinal, state=state))


@pytest.mark.parametrize("states", [(State.COMPLETED, State.FAILED), (State.COMPLETED,)])
def test_children_whose_worker_died_before_the_set_write_are_settled(crate: Crate, states: tuple[State, ...]) -> None:
    family(crate, *states)
    crate.dispatch.tick()
    assert crate.item(ROOT).is_terminal


def test_an_album_whose_last_finisher_died_before_its_end_is_ended(crate: Crate) -> None:
    family(crate, State.COMPLETED, open=NONE)
    crate.dispatch.tick()
    assert crate.item(ROOT).state is State.COMPLETED


@pytest.mark.parametrize("chunks", [frozenset({1}), frozenset({1, 2})])
def test_a_chunk_whose_last_finisher_died_is_closed(crate: Crate, chunks: frozenset[int]) -> None:
    family(crate, total=99, open=NONE, open_chunks=chunks, waiting=None)
    crate.put(
        a_chunk(1), a_child(99, state=State.COMPLETED), *([a_chunk(2, open=frozenset({197}))] if 2 in chunks else [])
    )
    crate.dispatch.tick()
    assert crate.item(ROOT).open_chunks == chunks - {1}
    assert (crate.item(ROOT).state is State.COMPLETED) == (chunks == {1})


def test_a_held_child_whose_wait_is_over_is_released(crate: Crate) -> None:
    family(crate, State.PENDING, held=frozenset({1}), waiting=None)
    crate.put(a_child(1, state=State.RETRY_WAITING, next_retry_at=at(0)))
    crate.dispatch.tick()
    assert crate.item(ROOT).held == NONE
    assert crate.rung() == [child_id(ROOT, 1)]


def test_a_held_child_of_a_further_chunk_is_released(crate: Crate) -> None:
    family(crate, total=99, open=NONE, open_chunks=frozenset({1}), waiting=None)
    crate.put(a_chunk(1, open=frozenset({99}), held=frozenset({99})), a_child(99))
    crate.dispatch.tick()
    assert crate.rung() == [child_id(ROOT, 99)]


def test_a_child_that_waits_on_stays_held(crate: Crate) -> None:
    family(crate, State.PENDING, held=frozenset({1}), waiting=None)
    crate.put(a_child(1, state=State.RETRY_WAITING, next_retry_at=at(9)))
    crate.dispatch.tick()
    assert crate.item(ROOT).held == {1}
    assert (crate.item(ROOT).waiting, crate.rung()) == (None, [])


def test_a_child_whose_worker_died_is_released(crate: Crate) -> None:
    family(crate, State.PENDING, waiting=None)
    crate.put(a_running(child_id(ROOT, 1), lease_until=at(-1), due_at=None))
    crate.dispatch.tick()
    assert crate.rung() == [child_id(ROOT, 1)]


def test_children_without_a_limit_are_rung_again_if_they_can_run() -> None:
    crate = Crate.of(limit=None)
    family(crate, State.PENDING, State.COMPLETED, State.PENDING)
    crate.put(a_running(child_id(ROOT, 3)))
    crate.dispatch.tick()
    assert crate.rung() == [child_id(ROOT, 1)]


@pytest.mark.parametrize(
    ("child", "due_at"),
    [
        (a_child(1), at(60)),
        (a_running(child_id(ROOT, 1), lease_until=at(20)), at(20)),
        (a_running(child_id(ROOT, 1), lease_until=at(99)), at(60)),
        (a_running(child_id(ROOT, 1), lease_until=at(-1)), at(60)),
        (a_child(1, state=State.RETRY_WAITING, next_retry_at=at(0)), at(60)),
        (a_child(1, state=State.RETRY_WAITING, next_retry_at=at(30)), at(30)),
        (a_child(1, state=State.RETRY_WAITING, next_retry_at=at(999)), at(60)),
    ],
)
def test_an_album_is_visited_at_its_childrens_next_lapse_or_retry(
    crate: Crate, child: Download, due_at: datetime
) -> None:
    """I13: at most a lease away."""
    family(crate, State.PENDING)
    crate.put(child)
    crate.dispatch.tick()
    assert crate.item(ROOT).due_at == due_at


def test_an_album_that_ends_during_its_visit_stays_as_it_ended(crate: Crate) -> None:
    family(crate, State.PENDING)
    ended = an_album(1, state=State.COMPLETED, open=NONE, due_at=None, waiting=None)
    meanwhile(crate.world.calls, "store.family", lambda: crate.put(ended))
    crate.dispatch.tick()
    assert crate.item(ROOT) == ended


@pytest.mark.case("K-03")
def test_a_child_whose_worker_was_killed_is_claimed_again_in_time(crate: Crate) -> None:
    album = crate.album(tracks=3)
    killed_at(crate.world.calls, "provider.audio", crate.drain)
    running = next(child for child in crate.children(album) if child.state is State.IN_PROGRESS)
    for _ in range(3):
        in_a_minute(crate)
        crate.drain()
    assert crate.item(running).attempts == 2
    assert crate.item(album).state is State.COMPLETED


@pytest.mark.case("F-01")
def test_a_provider_that_was_down_for_an_album_completes_it(crate: Crate) -> None:
    album = crate.album(tracks=4)
    for method in ("album", "audio"):
        ids = [album.content_id, *crate.world.provider.tracks]
        for content in ids:
            crate.world.provider.fail(method, content, ErrorType.CONNECTION, times=2)
    crate.settle_down()
    assert crate.item(album).state is State.COMPLETED
