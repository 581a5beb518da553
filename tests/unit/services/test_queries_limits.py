"""What a caller, and everybody, may still start; the queue as a whole."""

import pytest

from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.limits import AlbumCapacity, UserLimits
from cratekeeper.domain.models import Download
from cratekeeper.domain.states import State
from cratekeeper.services.queries import Filters
from tests.memory.samples import content_id
from tests.support.builders import ROOT, a_child, a_download, a_permit, a_running, an_album, at, root_id
from tests.support.crate import ADMIN, ALICE, ONE_BY_ONE, Crate, Knobs


def position(crate: Crate, download_id: str) -> int | None:
    return crate.queries.one(download_id, caller=ADMIN).position


@pytest.mark.case("L-01")
def test_a_new_user_may_request(crate: Crate) -> None:
    found = crate.queries.limits_of(ALICE)
    assert (found.requests_today, found.in_queue, found.can_request) == (0, 0, True)
    assert found.mine == UserLimits(max_per_day=100, max_queue=200)
    assert found.resets_at == at(16 * 3600)


@pytest.mark.case("L-02")
def test_limits_show_what_is_used(crate: Crate) -> None:
    crate = Crate.of(knobs=ONE_BY_ONE)
    items = [crate.track(name) for name in "abc"]
    crate.work(items[0].id)
    found = crate.queries.limits_of(ALICE)
    assert (found.requests_today, found.in_queue) == (3, 2)
    crate.drain()
    found = crate.queries.limits_of(ALICE)
    assert (found.requests_today, found.in_queue) == (3, 0)


@pytest.mark.case("L-03", "L-06")
@pytest.mark.parametrize("limits", [UserLimits(max_per_day=7, max_queue=9), UserLimits(max_per_day=9, max_queue=7)])
def test_a_user_at_either_limit_may_not_request(limits: UserLimits) -> None:
    crate = Crate.of(knobs=Knobs(limits=limits))
    for number in range(7):
        assert crate.queries.limits_of(ALICE).can_request
        crate.track(f"{number}")
    assert not crate.queries.limits_of(ALICE).can_request
    assert crate.queries.limits_of(ALICE).mine == limits


@pytest.mark.case("L-07")
def test_at_midnight_the_days_requests_are_none(crate: Crate) -> None:
    crate.track()
    crate.world.clock.advance(16 * 3600)
    found = crate.queries.limits_of(ALICE)
    assert (found.requests_today, found.in_queue, found.resets_at) == (0, 1, at(40 * 3600))


@pytest.mark.case("L-14")
def test_an_admin_may_always_request() -> None:
    crate = Crate.of(knobs=Knobs(limits=UserLimits(max_per_day=0, max_queue=0)))
    for number in range(101):
        crate.request(content_id(f"{number}"), caller=ADMIN)
    assert crate.queries.limits_of(ADMIN).can_request


@pytest.mark.case("L-10", "L-12")
@pytest.mark.parametrize(
    ("capacity", "is_full", "resets_at"),
    [
        (AlbumCapacity(max_per_hour=3, max_per_day=9), False, at(3600)),
        (AlbumCapacity(max_per_hour=2, max_per_day=9), True, at(3600)),
        (AlbumCapacity(max_per_hour=9, max_per_day=2), True, at(16 * 3600)),
        (AlbumCapacity(max_per_hour=None, max_per_day=None), False, at(3600)),
    ],
)
def test_the_albums_capacity_is_shown(capacity: AlbumCapacity, is_full: bool, resets_at: object) -> None:
    crate = Crate.of(knobs=Knobs(capacity=capacity))
    for name in "ab":
        crate.album(name)
    crate.drain()
    found = crate.queries.limits_of(ALICE)
    assert (found.albums_this_hour, found.albums_today) == (2, 2)
    assert (found.at_capacity, found.capacity_resets_at) == (is_full, resets_at)


@pytest.mark.case("L-12")
def test_yesterdays_albums_are_not_counted_today(crate: Crate) -> None:
    crate.album()
    crate.drain()
    crate.world.clock.advance(3600)
    found = crate.queries.limits_of(ALICE)
    assert (found.albums_this_hour, found.albums_today) == (0, 1)
    crate.world.clock.advance(15 * 3600)
    assert crate.queries.limits_of(ALICE).albums_today == 0


@pytest.mark.case("Q-17")
def test_a_fresh_queue_is_empty(crate: Crate) -> None:
    found = crate.queries.queue()
    assert (found.active, found.by_lane, found.retry_waiting) == (0, dict.fromkeys(Lane, 0), 0)
    assert (found.control.paused, found.control.limit) == (False, 3)
    assert crate.queries.mine(Filters(), caller=ALICE, after=None, limit=50).views == []


def test_the_queue_counts_roots_and_live_permits(crate: Crate) -> None:
    crate.put(
        a_download(root_id(1), lane=Lane.LOW),
        a_download(root_id(2)),
        a_download(root_id(3)),
        a_running(root_id(4)),
        a_download(root_id(5), state=State.RETRY_WAITING),
        an_album(1, id=root_id(6)),
        a_child(1, root=root_id(6)),
    )
    crate.permit(permits={root_id(4): a_permit(), "lapsed": a_permit(at(-1))})
    found = crate.queries.queue()
    assert found.by_lane == {Lane.HIGH: 0, Lane.NORMAL: 2, Lane.LOW: 1}
    assert (found.active, found.retry_waiting) == (1, 1)


def test_a_list_of_what_failed_shows_why(crate: Crate) -> None:
    item = crate.track()
    crate.world.provider.fail("audio", item.content_id, ErrorType.REJECTED)
    crate.drain()
    [view] = crate.queries.mine(Filters(state=State.FAILED), caller=ALICE, after=None, limit=5).views
    assert view.item.error_type is ErrorType.REJECTED


@pytest.mark.parametrize(
    "item",
    [
        a_download(state=State.RETRY_WAITING, next_retry_at=at(0), due_at=at(0)),
        a_running(lease_until=at(-1), due_at=at(0)),
    ],
)
def test_what_started_before_and_waits_for_a_permit_is_not_pending(crate: Crate, item: Download) -> None:
    crate.put(item)
    crate.permit("x", "y", "z")
    crate.dispatch.tick()
    assert sum(crate.queries.queue().by_lane.values()) == 0
    assert position(crate, ROOT) is None
