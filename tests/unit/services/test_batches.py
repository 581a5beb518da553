from functools import partial
from typing import Any

import pytest

from cratekeeper.domain.access import Caller
from cratekeeper.domain.errors import Forbidden, ProviderNotConfigured, Unavailable, WriteRefused
from cratekeeper.domain.events import EventType
from cratekeeper.domain.ids import Seed
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.limits import UserLimits
from cratekeeper.domain.models import Kind
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import TakeLock
from cratekeeper.services.batches import ROOTS, Outcome, Reason
from cratekeeper.services.requests import NewDownload
from tests.memory.samples import content_id
from tests.support.builders import a_row
from tests.support.crash import answering, killed_at, meanwhile, unanswered
from tests.support.crate import ADMIN, ALICE, BOB, Crate, Knobs

QUEUED = None


def a_wish(name: str, **fields: Any) -> NewDownload:
    return NewDownload(kind=Kind.TRACK, content_id=content_id(name), **fields)


def wishes(count: int, prefix: str = "wish") -> list[NewDownload]:
    return [a_wish(f"{prefix} {number}") for number in range(count)]


def create(crate: Crate, *wanted: NewDownload, caller: Caller = ALICE, seed: Seed | None = None) -> list[Outcome]:
    return crate.batches.create(wanted, caller=caller, seed=seed)


def reasons(outcomes: list[Outcome]) -> list[Reason | None]:
    return [each.reason for each in outcomes]


def ids(outcomes: list[Outcome]) -> list[str]:
    return [each.download_id or "" for each in outcomes]


def limited(**limits: int | None) -> Crate:
    """A crate whose users have these limits; the others are none."""
    return Crate.of(knobs=Knobs(limits=UserLimits(**{"max_per_day": None, "max_queue": None, **limits})))


@pytest.mark.case("B-01")
def test_a_batch_makes_one_pending_item_each_in_order(crate: Crate) -> None:
    outcomes = create(crate, *(a_wish(name, lane=Lane.LOW) for name in "abc"))
    items = [crate.item(each) for each in ids(outcomes)]
    assert reasons(outcomes) == [QUEUED] * 3
    assert [item.content_id for item in items] == [content_id(name) for name in "abc"]
    assert {(item.state, item.lane) for item in items} == {(State.PENDING, Lane.LOW)}
    assert [item.id for item in items] == sorted(item.id for item in items)
    assert crate.world.usage("alice").active == {item.id for item in items}
    assert crate.history(items[0]) == [EventType.REQUEST_CREATED]


@pytest.mark.parametrize(("count", "transactions"), [(1, 1), (ROOTS, 1), (ROOTS + 1, 2), (100, 3)])
def test_a_batch_costs_a_transaction_for_each_49(count: int, transactions: int) -> None:
    crate = limited()
    calls = crate.world.calls.counting()
    assert reasons(create(crate, *wishes(count))) == [QUEUED] * count
    assert (calls["store.commit"], calls["store.usage"], calls["store.lock_holders"]) == (transactions, 1, 1)
    assert crate.world.usage("alice").requests == count


def test_a_batch_runs_and_ends(crate: Crate) -> None:
    tracks = [crate.world.provider.add_track(f"{number}") for number in range(10)]
    create(crate, *(NewDownload(kind=Kind.TRACK, content_id=each.id) for each in tracks))
    crate.settle_down()
    assert {item.state for item in crate.world.table.downloads()} == {State.COMPLETED}


def test_nothing_is_a_batch_as_well(crate: Crate) -> None:
    assert create(crate) == []


@pytest.mark.case("B-01")
def test_duplicates_in_a_batch_queue_once(crate: Crate) -> None:
    outcomes = create(crate, a_wish("a"), a_wish("b"), a_wish("a"), a_wish("a", force=True))
    first = outcomes[0].download_id
    assert reasons(outcomes) == [QUEUED, QUEUED, Reason.ALREADY_QUEUED, Reason.ALREADY_QUEUED]
    assert [each.download_id for each in outcomes[2:]] == [first, first]
    assert crate.world.usage("alice").requests == 2


def test_what_is_active_or_stored_is_skipped(crate: Crate) -> None:
    active = crate.track("active", caller=BOB)
    crate.world.catalog.record(a_row(content_id("stored")))
    outcomes = create(crate, a_wish("active"), a_wish("stored"), a_wish("new"))
    assert outcomes[:2] == [Outcome(active.id, Reason.ALREADY_QUEUED), Outcome(None, Reason.ALREADY_IN_CATALOG)]
    assert outcomes[2].reason is QUEUED


def test_force_fetches_what_is_stored_though_another_of_the_batch_does_not_ask_for_that(crate: Crate) -> None:
    crate.world.catalog.record(a_row(content_id("stored")))
    outcomes = create(crate, a_wish("stored"), a_wish("stored", force=True), a_wish("stored", force=True))
    assert reasons(outcomes) == [Reason.ALREADY_IN_CATALOG, QUEUED, Reason.ALREADY_QUEUED]


@pytest.mark.case("S-04")
def test_without_idempotency_what_is_stored_is_queued() -> None:
    crate = Crate.of(knobs=Knobs(idempotency_enabled=False))
    crate.world.catalog.record(a_row(content_id("stored")))
    assert reasons(create(crate, a_wish("stored"))) == [QUEUED]


@pytest.mark.case("L-13")
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_per_day": 2}, Reason.DAILY_LIMIT_REACHED),
        ({"max_queue": 2}, Reason.QUEUE_LIMIT_REACHED),
        ({"max_per_day": 2, "max_queue": 2}, Reason.DAILY_LIMIT_REACHED),
        ({"max_per_day": 3, "max_queue": 2}, Reason.QUEUE_LIMIT_REACHED),
    ],
)
def test_the_first_are_queued_as_far_as_the_limits_go(limits: dict[str, int], reason: Reason) -> None:
    crate = limited(**limits)
    outcomes = create(crate, *wishes(4), a_wish("wish 0"), a_wish("wish 3"))
    assert reasons(outcomes) == [QUEUED, QUEUED, reason, reason, Reason.ALREADY_QUEUED, reason]
    assert (crate.world.usage("alice").requests, len(crate.world.usage("alice").active)) == (2, 2)
    assert reasons(create(crate, a_wish("one more"))) == [reason]


@pytest.mark.case("L-14")
def test_an_admin_has_no_limits() -> None:
    crate = limited(max_per_day=1, max_queue=1)
    assert reasons(create(crate, *wishes(60), caller=ADMIN)) == [QUEUED] * 60


def test_own_limits_win_over_the_deployments() -> None:
    crate = limited(max_per_day=1, max_queue=1)
    few = Caller(user_id="alice", role=ALICE.role, max_per_day=3, max_queue=-1)
    assert reasons(create(crate, *wishes(4), caller=few)) == [QUEUED] * 3 + [Reason.DAILY_LIMIT_REACHED]


@pytest.mark.case("L-07")
def test_a_batch_at_midnight_counts_for_the_new_day() -> None:
    crate = limited(max_per_day=2)
    create(crate, *wishes(2))
    crate.world.clock.advance(86_400)
    assert reasons(create(crate, *wishes(3, "tomorrow"))) == [QUEUED, QUEUED, Reason.DAILY_LIMIT_REACHED]
    assert crate.world.usage("alice").requests == 2


def test_one_of_the_highest_lane_refuses_the_batch(crate: Crate) -> None:
    with pytest.raises(Forbidden, match="edit_catalog"):
        create(crate, a_wish("a"), a_wish("b", lane=Lane.HIGH))
    assert not crate.world.table.parts


def test_without_a_provider_nothing_is_queued() -> None:
    crate = Crate.of(knobs=Knobs(is_configured=False))
    with pytest.raises(ProviderNotConfigured):
        create(crate, a_wish("a"))


# --- Others meanwhile ----------------------------------------------------------------


def test_what_another_user_asks_for_meanwhile_is_skipped_and_the_rest_queued(crate: Crate) -> None:
    meanwhile(crate.world.calls, "store.commit", lambda: crate.request(content_id("b"), kind=Kind.TRACK, caller=BOB))
    outcomes = create(crate, *(a_wish(name) for name in "abc"))
    assert reasons(outcomes) == [QUEUED, Reason.ALREADY_QUEUED, QUEUED]
    assert crate.item(ids(outcomes)[1]).requested_by == "bob"


def test_a_limit_that_is_used_up_meanwhile_is_kept() -> None:
    crate = limited(max_queue=3)
    meanwhile(crate.world.calls, "store.commit", lambda: crate.track("meanwhile"))
    assert reasons(create(crate, *wishes(3))) == [QUEUED, QUEUED, Reason.QUEUE_LIMIT_REACHED]
    assert len(crate.world.usage("alice").active) == 3


def test_the_first_batch_of_a_day_beside_a_first_request(crate: Crate) -> None:
    meanwhile(crate.world.calls, "store.commit", lambda: crate.track("meanwhile"))
    assert reasons(create(crate, *wishes(2))) == [QUEUED, QUEUED]
    assert crate.world.usage("alice").requests == 3


@pytest.mark.parametrize("number", [2, -1])
def test_a_refusal_whose_reason_is_gone_by_now_is_tried_again(crate: Crate, number: int) -> None:
    answering(crate.world.calls, "store.commit", lambda *writes: WriteRefused(writes[number], None))
    assert reasons(create(crate, *wishes(2))) == [QUEUED, QUEUED]


def test_locks_that_change_too_fast_are_an_error_and_leave_nothing(crate: Crate) -> None:
    def refused(called: str, call: Any) -> object:
        if called == "store.commit" and isinstance(call, partial):
            raise WriteRefused(next(each for each in call.args if isinstance(each, TakeLock)), None)
        return call()

    crate.world.calls.around = refused
    with pytest.raises(Unavailable, match="try again"):
        create(crate, a_wish("a"))
    assert not crate.world.table.parts


# --- Lost answers and crashes --------------------------------------------------------


def test_a_transaction_whose_answer_was_lost_counts_once(crate: Crate) -> None:
    crate.world.calls.losing("store.commit")
    outcomes = create(crate, *wishes(3))
    assert reasons(outcomes) == [QUEUED] * 3
    assert crate.world.usage("alice").requests == 3


def test_an_id_that_is_somebody_elses_is_an_error(crate: Crate) -> None:
    seed = Seed(crate.track("theirs", caller=BOB).id)
    with pytest.raises(Unavailable, match="taken"):
        create(crate, a_wish("mine"), seed=seed)


@pytest.mark.case("I-05")
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_batch_whose_process_died_is_finished_by_its_repetition(number: int, after: bool) -> None:
    crate, seed = limited(), Seed("01JD0000000000000000000000")
    wanted = [*wishes(100), a_wish("wish 7")]
    killed_at(crate.world.calls, "store.commit", lambda: create(crate, *wanted, seed=seed), number=number, after=after)
    outcomes = create(crate, *wanted, seed=seed._replace(is_resumed=True))
    assert reasons(outcomes) == [QUEUED] * 100 + [Reason.ALREADY_QUEUED]
    assert crate.world.usage("alice").requests == 100
    assert [crate.item(each).content_id for each in ids(outcomes)] == [each.content_id for each in wanted]


def test_what_an_earlier_run_made_is_queued_though_it_has_ended(crate: Crate) -> None:
    seed = Seed("01JD0000000000000000000000")
    track = NewDownload(kind=Kind.TRACK, content_id=crate.world.provider.add_track("a").id)
    first = create(crate, track, seed=seed)
    crate.drain()
    assert create(crate, track, seed=seed._replace(is_resumed=True)) == first


def test_an_earlier_run_that_still_runs_makes_nothing_twice(crate: Crate) -> None:
    seed = Seed("01JD0000000000000000000000")
    meanwhile(crate.world.calls, "store.commit", lambda: create(crate, *wishes(3), seed=seed))
    outcomes = create(crate, *wishes(5), seed=seed)
    assert reasons(outcomes) == [QUEUED] * 5
    assert crate.world.usage("alice").requests == 5


def test_a_batch_that_cannot_be_written_is_an_error(crate: Crate) -> None:
    unanswered(crate.world.calls, "store.commit")
    with pytest.raises(Unavailable):
        create(crate, a_wish("a"))


# --- Release -------------------------------------------------------------------------


def test_as_many_run_as_there_is_room_and_as_many_are_hungry(crate: Crate) -> None:
    found = ids(create(crate, *wishes(10)))
    assert crate.held() == {*found[:3]}
    assert crate.rung() == found[:3]
    assert crate.hungry() == {Lane.NORMAL: {*found[3:6]}}


def test_without_a_limit_all_are_rung_lane_by_lane() -> None:
    crate = Crate.of(limit=None)
    found = ids(create(crate, a_wish("a"), a_wish("b", lane=Lane.LOW), a_wish("c")))
    assert sorted(crate.rung()) == sorted(found)
    calls = crate.world.calls.counting()
    create(crate, *wishes(30))
    assert calls["bell.ring"] == 1


@pytest.mark.parametrize("limit", [3, None])
def test_while_the_queue_is_paused_nothing_is_rung(limit: int | None) -> None:
    crate = Crate.of(limit=limit)
    crate.permit(paused=True)
    create(crate, *wishes(5))
    assert crate.rung() == []


def test_a_batch_that_cannot_be_released_is_accepted_all_the_same(crate: Crate) -> None:
    crate.world.calls.failing("permits.read")
    assert reasons(create(crate, *wishes(2))) == [QUEUED, QUEUED]
    assert "release_failed" in crate.world.log.actions()
