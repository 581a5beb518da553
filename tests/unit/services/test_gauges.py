"""Gauges of the queue."""

import pytest

from cratekeeper.domain.limits import AlbumCapacity
from cratekeeper.domain.metrics import ACTIVE, CAPACITY_USED, OLDEST_WAITING, QUEUE_SIZE, WAITING
from cratekeeper.domain.models import Kind
from cratekeeper.domain.states import State
from cratekeeper.services.gauges import PERIOD, Gauges
from tests.support.builders import a_control, a_download, at, root_id
from tests.support.crate import Crate

PERIOD_S = PERIOD.total_seconds()


def gauges(crate: Crate, capacity: AlbumCapacity | None = None) -> Gauges:
    world = crate.world
    return Gauges(
        store=world.store,
        permits=world.permits,
        metrics=world.metrics,
        clock=world.clock,
        capacity=capacity or crate.knobs.capacity,
    )


def test_an_empty_queue_is_told_as_such(crate: Crate) -> None:
    gauges(crate).run(is_idle=True)
    told = crate.world.metrics.told
    assert {each.metric for each in told} == {WAITING, QUEUE_SIZE, CAPACITY_USED, ACTIVE, OLDEST_WAITING}
    assert {value for each in told for value in each.values} == {0}


def test_what_waits_and_runs_is_told_by_lane_and_state(crate: Crate) -> None:
    crate.album()
    for number in range(2):
        crate.track(f"t{number}")
    crate.put(a_download(root_id(9), state=State.PAUSED))
    gauges(crate).run(is_idle=False)
    metrics = crate.world.metrics
    assert metrics.of(WAITING, "normal") == [3]
    assert metrics.of(WAITING, "high") == metrics.of(WAITING, "low") == [0]
    assert metrics.of(QUEUE_SIZE, "PENDING") == [3]
    assert metrics.of(QUEUE_SIZE, "PAUSED") == [1]
    assert metrics.of(ACTIVE) == [3]


@pytest.mark.parametrize(("most", "used"), [(4, 25), (1, 100), (0, 100), (None, 0)])
def test_capacity_is_told_in_percent(crate: Crate, most: int | None, used: float) -> None:
    crate.album()
    crate.drain()
    gauges(crate, AlbumCapacity(max_per_hour=most, max_per_day=most)).run(is_idle=True)
    assert crate.world.metrics.of(CAPACITY_USED, "hour") == crate.world.metrics.of(CAPACITY_USED, "day") == [used]


def test_the_longest_wait_leaves_out_what_is_parked(crate: Crate) -> None:
    crate.put(a_download(root_id(1), kind=Kind.ALBUM, updated_at=at(0), parked_until=at(3600)))
    crate.put(a_download(root_id(2), updated_at=at(100)))
    crate.put(a_download(root_id(3), updated_at=at(300)))
    crate.world.clock.advance(400)
    gauges(crate).run(is_idle=False)
    assert crate.world.metrics.of(OLDEST_WAITING) == [300]


def test_nothing_waits_too_long_while_the_queue_is_paused(crate: Crate) -> None:
    crate.put(a_download(root_id(2), updated_at=at(0)))
    crate.world.table.control = a_control(paused=True)
    crate.world.clock.advance(400)
    gauges(crate).run(is_idle=True)
    assert crate.world.metrics.of(OLDEST_WAITING) == [0]


def test_they_are_told_once_a_minute(crate: Crate) -> None:
    found = gauges(crate)
    for _ in range(3):
        found.run(is_idle=False)
    assert len(crate.world.metrics.of(ACTIVE)) == 1
    crate.world.clock.advance(PERIOD_S)
    found.run(is_idle=False)
    assert len(crate.world.metrics.of(ACTIVE)) == 2


def test_a_queue_that_was_and_is_empty_costs_one_read(crate: Crate) -> None:
    found = gauges(crate)
    found.run(is_idle=True)
    crate.world.clock.advance(PERIOD_S)
    seen = crate.world.calls.counting()
    found.run(is_idle=True)
    assert seen == {"permits.read": 1}
    assert crate.world.metrics.of(ACTIVE) == [0, 0]


def test_work_that_has_just_come_is_seen_although_the_tick_was_idle(crate: Crate) -> None:
    found = gauges(crate)
    found.run(is_idle=True)
    crate.world.clock.advance(PERIOD_S)
    crate.track()
    found.run(is_idle=True)
    assert crate.world.metrics.of(ACTIVE) == [0, 1]


def test_what_cannot_be_read_is_told_later(crate: Crate) -> None:
    found = gauges(crate)
    crate.world.calls.failing("permits.read")
    found.run(is_idle=True)
    assert crate.world.metrics.told == []
    crate.world.clock.advance(PERIOD_S)
    found.run(is_idle=True)
    assert crate.world.metrics.of(ACTIVE) == [0]
