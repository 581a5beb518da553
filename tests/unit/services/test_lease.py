from datetime import timedelta

import pytest

from cratekeeper.domain.errors import LeaseLost
from cratekeeper.domain.models import Download
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Create
from cratekeeper.services.lease import Lease
from tests.memory.world import World
from tests.support.builders import ROOT, a_held, a_permit, a_running, at
from tests.support.crash import unanswered


@pytest.fixture
def world() -> World:
    """One item under a lease and a permit that end in a minute."""
    world = World.of()
    put(world, a_running())
    put_permit(world)
    return world


def put(world: World, item: Download) -> None:
    world.table.parts.pop(ROOT, None)
    world.store.commit(Create(item))


def put_permit(world: World, *, epoch: int = 0) -> None:
    control = world.permits.read()
    world.table.control = type(control)(limit=3, permits={ROOT: a_permit(epoch=epoch)})


def lease_of(world: World, *, limited: bool = True) -> Lease:
    return Lease(
        store=world.store,
        permits=world.permits,
        clock=world.clock,
        lease_s=world.lease_s,
        item=a_running(),
        held=a_held() if limited else None,
    )


@pytest.mark.case("I-08")
def test_a_beat_renews_permit_and_lease_to_a_whole_lease_from_now(world: World) -> None:
    world.clock.advance(20)
    assert lease_of(world).beat() == pytest.approx(20)
    assert world.control.permits[ROOT].until == at(80)
    assert world.item(ROOT).lease_until == at(80)


def test_the_permit_is_renewed_first(world: World) -> None:
    """So it never ends before the lease it covers, also if the worker dies between the two."""
    world.calls.failing("store.write")
    world.clock.advance(20)
    lease_of(world).beat()
    assert world.control.permits[ROOT].until == at(80)
    assert world.item(ROOT).lease_until == at(60)


@pytest.mark.case("I-08", "I-09")
@pytest.mark.parametrize(
    "taken", [{"epoch": 2}, {"state": State.CANCELLED}, {"state": State.PAUSED}, {"lease_until": at(90)}]
)
def test_a_holder_whose_item_was_taken_over_cannot_extend_it(world: World, taken: dict[str, object]) -> None:
    put(world, a_running(**taken))  # type: ignore[arg-type]
    lease = lease_of(world)
    assert lease.beat() is None
    assert lease.is_lost
    with pytest.raises(LeaseLost, match=ROOT):
        lease.check()


def test_a_permit_that_is_gone_ends_the_lease(world: World) -> None:
    put_permit(world, epoch=1)
    world.clock.advance(20)
    assert lease_of(world).beat() is None
    assert world.item(ROOT).lease_until == at(60)


def test_a_permit_that_the_dispatcher_rang_for_again_is_still_ours(world: World) -> None:
    lease = lease_of(world)
    world.clock.advance(20)
    world.permits.renew(a_held(), until=at(70))
    assert lease.beat() is not None
    assert world.item(ROOT).lease_until == world.control.permits[ROOT].until == at(80)


@pytest.mark.case("I-08")
def test_a_permit_that_the_dispatcher_renewed_for_longer_is_not_shortened(world: World) -> None:
    """Its clock may be ahead; the lease under it ends when this holder's clock says so."""
    lease = lease_of(world)
    world.permits.renew(a_held(), until=at(90))
    world.clock.advance(20)
    lease.beat()
    assert world.control.permits[ROOT] == a_permit(at(90))
    assert lease.item.lease_until == at(80)
    world.clock.advance(20)
    lease.beat()
    assert world.control.permits[ROOT] == a_permit(at(100))
    assert (lease.item.lease_until, lease.is_lost) == (at(100), False)


@pytest.mark.parametrize(("seconds", "is_lost"), [(60, False), (60.001, True)])
def test_a_lease_that_has_lapsed_is_not_renewed(world: World, seconds: float, is_lost: bool) -> None:
    world.clock.advance(seconds)
    lease = lease_of(world)
    lease.beat()
    assert lease.is_lost is is_lost


@pytest.mark.parametrize("site", ["permits.renew", "store.write"])
def test_our_own_renewal_whose_answer_was_lost_counts_as_a_success(world: World, site: str) -> None:
    world.calls.losing(site)
    world.clock.advance(20)
    lease = lease_of(world)
    assert lease.beat() == pytest.approx(20)
    assert world.item(ROOT).lease_until == world.control.permits[ROOT].until == at(80)


@pytest.mark.parametrize("site", ["permits.renew", "store.write"])
def test_a_beat_that_the_table_does_not_answer_is_repeated_soon(world: World, site: str) -> None:
    world.calls.failing(site)
    lease = lease_of(world)
    world.clock.advance(30)
    assert lease.beat() == pytest.approx(10)
    world.clock.advance(10)
    assert lease.beat() is not None
    assert world.item(ROOT).lease_until == world.control.permits[ROOT].until == at(90)


@pytest.mark.parametrize("site", ["permits.renew", "store.write"])
def test_a_beat_that_was_carried_out_but_never_answered_is_recognised_at_the_next(world: World, site: str) -> None:
    lease = lease_of(world)
    world.clock.advance(30)
    unanswered(world.calls, site)
    lease.beat()
    world.clock.advance(10)
    assert lease.beat() is not None
    assert not lease.is_lost


def test_without_a_limit_there_is_only_the_lease(world: World) -> None:
    world.clock.advance(20)
    assert lease_of(world, limited=False).beat() == pytest.approx(20)
    assert world.item(ROOT).lease_until == at(80)
    assert world.control.permits[ROOT].until == at(60)


@pytest.mark.case("I-10")
def test_work_of_three_leases_keeps_its_lease(world: World) -> None:
    lease = lease_of(world)
    with lease.beating(world.pulse):
        world.clock.advance(180)
    lease.check()
    left = (world.item(ROOT).lease_until or at(0)) - world.clock.now()
    assert timedelta(seconds=40) <= left <= timedelta(seconds=60)


def test_nothing_beats_once_the_work_is_over(world: World) -> None:
    lease = lease_of(world)
    with lease.beating(world.pulse):
        world.clock.advance(5)
    world.clock.advance(600)
    assert world.item(ROOT).lease_until == at(60)


def test_a_late_claim_beats_at_once(world: World) -> None:
    world.clock.advance(50)
    with lease_of(world).beating(world.pulse):
        world.clock.advance(0)
    assert world.item(ROOT).lease_until == at(110)


def test_what_the_work_waits_for_is_aborted_when_the_lease_is_lost(world: World) -> None:
    lease, told = lease_of(world), list[Exception]()
    with lease.beating(world.pulse), lease.aborting(told.append):
        put(world, a_running(epoch=2))
        world.clock.advance(600)
    assert [type(error) for error in told] == [LeaseLost]


def test_nothing_is_aborted_that_is_over(world: World) -> None:
    lease, told = lease_of(world), list[Exception]()
    with lease.aborting(told.append):
        pass
    put(world, a_running(epoch=2))
    lease.beat()
    assert told == []


def test_nothing_is_begun_under_a_lost_lease(world: World) -> None:
    put(world, a_running(epoch=2))
    lease = lease_of(world)
    lease.beat()
    with pytest.raises(LeaseLost), lease.aborting(lambda _: None):
        pytest.fail("the work began")


def test_a_heartbeat_sees_the_control_item_anew(world: World) -> None:
    lease = lease_of(world)
    assert lease.control is None
    world.clock.advance(20)
    lease.beat()
    assert lease.control == world.control


def test_an_item_without_a_lease_has_lost_it(world: World) -> None:
    lease = lease_of(world)
    lease.item = a_running(lease_until=None)
    with lease.beating(world.pulse):
        world.clock.advance(0)
    assert lease.is_lost
