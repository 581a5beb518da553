"""The port Permits: every condition of granting, and answers that were lost on the way."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cratekeeper.domain.control import Control, Held, Permit, Seeker
from cratekeeper.domain.errors import PermitRefused
from cratekeeper.domain.lanes import Lane
from tests.contract.conftest import LIMIT, Queue, Tables, queue_in_memory, queue_on
from tests.contract.emulator import Emulator
from tests.contract.samples import SOON, an_id

ROOT = an_id()
IDS = (ROOT, f"{ROOT}-1", f"{ROOT}-2", f"{ROOT}-13", an_id())
PERMIT = Permit(SOON, 0, 0)


def seeker(number: int = 0, lane: Lane = Lane.NORMAL, permit: Permit = PERMIT) -> Seeker:
    return Seeker(IDS[number], lane, permit)


def held(number: int = 0, permit: Permit = PERMIT) -> Held:
    return Held(IDS[number], permit)


def refused(queue: Queue, call: Callable[[], Control]) -> None:
    """The call is refused, shows the item as it is, and changes nothing."""
    before = queue.permits.read()
    with pytest.raises(PermitRefused) as refusal:
        call()
    assert refusal.value.control == before
    assert queue.permits.read() == before


def full(queue: Queue) -> Control:
    """All permits are out."""
    return [queue.permits.take(seeker(number), limit=LIMIT) for number in range(LIMIT)][-1]


def test_at_first_there_is_the_deployments_limit_and_nothing_else(queue: Queue) -> None:
    assert queue.permits.read() == Control(limit=LIMIT)


def test_a_limit_set_at_run_time_wins(queue: Queue) -> None:
    queue.set_control(limit=7, paused=True)
    assert queue.permits.read() == Control(limit=7, paused=True)
    queue.set_control(limit=None)
    assert queue.permits.read() == Control(limit=None)


def test_a_taken_permit_is_in_the_map(queue: Queue) -> None:
    child = seeker(1, permit=Permit(SOON, 12, 3))
    control = queue.permits.take(child, limit=LIMIT)
    assert control == queue.permits.read() == Control(limit=LIMIT, permits={IDS[1]: child.permit})


def test_a_grant_feeds_the_hungry(queue: Queue) -> None:
    full(queue)
    queue.permits.mark(IDS[3], Lane.LOW, limit=LIMIT)
    queue.permits.mark(IDS[4], Lane.LOW, limit=LIMIT)
    queue.permits.drop(held(0))
    control = queue.permits.take(seeker(3, Lane.LOW), limit=LIMIT)
    assert control.hungry == {Lane.LOW: {IDS[4]}}
    assert queue.permits.swap(held(3), seeker(4, Lane.LOW), limit=LIMIT).hungry == {}


def test_there_are_no_more_permits_than_the_limit(queue: Queue) -> None:
    full(queue)
    refused(queue, lambda: queue.permits.take(seeker(3), limit=LIMIT))


def test_a_lapsed_permit_still_takes_its_place(queue: Queue) -> None:
    full(queue)
    old = Permit(SOON - timedelta(days=1), 0, 0)
    queue.permits.drop(held(0))
    queue.permits.take(seeker(0, permit=old), limit=LIMIT)
    refused(queue, lambda: queue.permits.take(seeker(3), limit=LIMIT))
    assert IDS[3] in queue.permits.swap(held(0, old), seeker(3), limit=LIMIT).permits


def test_an_id_has_one_permit(queue: Queue) -> None:
    queue.permits.take(seeker(), limit=LIMIT)
    refused(queue, lambda: queue.permits.take(seeker(permit=Permit(SOON, 1, 0)), limit=LIMIT))
    queue.permits.take(seeker(1), limit=LIMIT)
    refused(queue, lambda: queue.permits.swap(held(1), seeker(permit=Permit(SOON, 1, 0)), limit=LIMIT))


@pytest.mark.parametrize("limit", [LIMIT - 1, LIMIT + 1])
def test_a_limit_that_is_not_the_stored_one_refuses(queue: Queue, limit: int) -> None:
    queue.permits.take(seeker(), limit=LIMIT)
    refused(queue, lambda: queue.permits.take(seeker(1), limit=limit))
    refused(queue, lambda: queue.permits.swap(held(), seeker(1), limit=limit))


def test_a_changed_limit_refuses_who_read_the_old_one(queue: Queue) -> None:
    queue.permits.take(seeker(), limit=LIMIT)
    queue.set_control(limit=5)
    refused(queue, lambda: queue.permits.take(seeker(1), limit=LIMIT))
    refused(queue, lambda: queue.permits.swap(held(), seeker(1), limit=LIMIT))
    queue.permits.take(seeker(1), limit=5)
    queue.set_control(limit=None)
    refused(queue, lambda: queue.permits.take(seeker(2), limit=5))


def test_a_lowered_limit_admits_no_swap_above_it(queue: Queue) -> None:
    full(queue)
    queue.set_control(limit=2)
    refused(queue, lambda: queue.permits.swap(held(0), seeker(3), limit=2))
    queue.permits.drop(held(1))
    assert set(queue.permits.swap(held(0), seeker(3), limit=2).permits) == {IDS[2], IDS[3]}


@pytest.mark.case("X-06", "X-07")
def test_a_pause_admits_none_and_stops_none(queue: Queue) -> None:
    queue.permits.take(seeker(), limit=LIMIT)
    queue.set_control(limit=LIMIT, paused=True)
    refused(queue, lambda: queue.permits.take(seeker(1), limit=LIMIT))
    refused(queue, lambda: queue.permits.swap(held(), seeker(1), limit=LIMIT))
    later = SOON + timedelta(seconds=9)
    assert queue.permits.renew(held(), until=later).permits[IDS[0]].until == later


def test_a_limit_of_zero_admits_none(queue: Queue) -> None:
    queue.permits.take(seeker(), limit=LIMIT)
    queue.set_control(limit=0)
    refused(queue, lambda: queue.permits.take(seeker(1), limit=0))
    refused(queue, lambda: queue.permits.swap(held(), seeker(1), limit=0))


@pytest.mark.parametrize(
    ("hungry", "lane", "may"),
    [
        (Lane.HIGH, Lane.NORMAL, False),
        (Lane.HIGH, Lane.LOW, False),
        (Lane.NORMAL, Lane.LOW, False),
        (Lane.NORMAL, Lane.NORMAL, True),
        (Lane.LOW, Lane.NORMAL, True),
        (Lane.NORMAL, Lane.HIGH, True),
    ],
)
def test_no_one_passes_a_hungry_higher_lane(queue: Queue, hungry: Lane, lane: Lane, may: bool) -> None:
    full(queue)
    queue.permits.mark(IDS[4], hungry, limit=LIMIT)
    a_grant(queue, lambda: queue.permits.swap(held(0), seeker(3, lane), limit=LIMIT), may=may)
    queue.permits.drop(held(1))
    a_grant(queue, lambda: queue.permits.take(seeker(1, lane), limit=LIMIT), may=may)


def a_grant(queue: Queue, call: Callable[[], Control], *, may: bool) -> None:
    if may:
        call()
    else:
        refused(queue, call)


@pytest.mark.parametrize("lane", Lane)
def test_a_swap_on_an_older_view_needs_the_hungry_that_it_saw(queue: Queue, lane: Lane) -> None:
    full(queue)

    def swap(number: int, rivals: frozenset[str]) -> Callable[[], Control]:
        return lambda: queue.permits.swap(held(number), Seeker(IDS[3], lane, PERMIT, rivals), limit=LIMIT)

    refused(queue, swap(0, frozenset({IDS[4]})))
    queue.permits.mark(IDS[4], lane, limit=LIMIT)
    refused(queue, swap(0, frozenset()))
    refused(queue, swap(0, frozenset({IDS[4], IDS[3]})))
    swap(0, frozenset({IDS[4]}))()
    queue.permits.unmark([IDS[4]], lane)
    queue.permits.drop(held(3))
    assert swap(1, frozenset())().permits.keys() == {IDS[2], IDS[3]}


def test_a_swap_needs_exactly_what_is_held(queue: Queue) -> None:
    queue.permits.take(seeker(permit=Permit(SOON, 1, 0)), limit=LIMIT)
    for zombie in (Permit(SOON, 0, 0), Permit(SOON, 1, 1), Permit(SOON + timedelta(milliseconds=1), 1, 0)):
        refused(queue, partial(queue.permits.swap, held(permit=zombie), seeker(1), limit=LIMIT))
        refused(queue, partial(queue.permits.renew, held(permit=zombie), until=SOON + timedelta(days=1)))
    refused(queue, lambda: queue.permits.swap(held(2), seeker(1), limit=LIMIT))


def test_a_permit_is_swapped_for_the_next_round_of_its_own_id(queue: Queue) -> None:
    queue.permits.take(seeker(), limit=LIMIT)
    again = seeker(permit=Permit(SOON, 1, 1))
    assert queue.permits.swap(held(), again, limit=LIMIT).permits == {IDS[0]: again.permit}


def test_dropping_what_is_gone_or_anothers_is_harmless(queue: Queue) -> None:
    assert queue.permits.drop(held()) == Control(limit=LIMIT)
    after = queue.permits.take(seeker(permit=Permit(SOON, 1, 0)), limit=LIMIT)
    assert queue.permits.drop(held()) == after == queue.permits.read()
    assert queue.permits.drop(held(permit=Permit(SOON, 1, 0))).permits == {}


def test_several_permits_and_marks_go_together(queue: Queue) -> None:
    full(queue)
    for number in (3, 4):
        queue.permits.mark(IDS[number], Lane.LOW, limit=LIMIT)
    marks = {Lane.LOW: frozenset({IDS[3]}), Lane.HIGH: frozenset({IDS[0]})}
    after = queue.permits.drop(held(0), held(1), marks=marks)
    assert {*after.permits} == {IDS[2]}
    assert after.hungry == {Lane.LOW: frozenset({IDS[4]})}
    assert queue.permits.drop(held(0), held(2), marks={Lane.LOW: frozenset({IDS[4]})}) == queue.permits.read()
    assert queue.permits.read() == Control(limit=LIMIT)
    assert queue.permits.drop() == queue.permits.drop(marks=marks) == Control(limit=LIMIT)


def test_a_drop_shows_the_hungry(queue: Queue) -> None:
    full(queue)
    queue.permits.mark(IDS[3], Lane.NORMAL, limit=LIMIT)
    assert queue.permits.drop(held(0)).hungry == {Lane.NORMAL: {IDS[3]}}


def test_renewing_what_nobody_holds_is_refused(queue: Queue) -> None:
    with pytest.raises(PermitRefused):
        queue.permits.renew(held(), until=SOON)


def test_an_id_is_marked_when_there_is_no_room(queue: Queue) -> None:
    refused(queue, lambda: queue.permits.mark(IDS[3], Lane.NORMAL, limit=LIMIT))
    full(queue)
    expected = {Lane.NORMAL: {IDS[3]}}
    assert queue.permits.mark(IDS[3], Lane.NORMAL, limit=LIMIT).hungry == expected
    assert queue.permits.mark(IDS[3], Lane.NORMAL, limit=LIMIT).hungry == expected


def test_an_id_is_marked_behind_a_hungry_higher_lane(queue: Queue) -> None:
    full(queue)
    queue.permits.mark(IDS[3], Lane.NORMAL, limit=LIMIT)
    queue.permits.drop(held(0))
    refused(queue, lambda: queue.permits.mark(IDS[4], Lane.HIGH, limit=LIMIT))
    refused(queue, lambda: queue.permits.mark(IDS[4], Lane.NORMAL, limit=LIMIT))
    after = queue.permits.mark(IDS[4], Lane.LOW, limit=LIMIT)
    assert after.hungry == {Lane.NORMAL: {IDS[3]}, Lane.LOW: {IDS[4]}}


def test_an_id_is_marked_while_its_old_permit_is_there(queue: Queue) -> None:
    queue.permits.take(seeker(), limit=LIMIT)
    assert queue.permits.mark(IDS[0], Lane.NORMAL, limit=LIMIT).hungry == {Lane.NORMAL: {IDS[0]}}


def test_no_id_is_marked_under_a_limit_that_has_changed(queue: Queue) -> None:
    full(queue)
    queue.set_control(limit=9)
    refused(queue, lambda: queue.permits.mark(IDS[3], Lane.NORMAL, limit=LIMIT))


def test_unmarking_takes_ids_of_one_lane(queue: Queue) -> None:
    full(queue)
    for lane in (Lane.NORMAL, Lane.LOW):
        for number in (3, 4):
            queue.permits.mark(IDS[number], lane, limit=LIMIT)
    after = queue.permits.unmark([IDS[3], "unknown"], Lane.NORMAL)
    assert after.hungry == {Lane.NORMAL: {IDS[4]}, Lane.LOW: {IDS[3], IDS[4]}}
    assert queue.permits.unmark(iter([IDS[4]]), Lane.NORMAL).hungry == {Lane.LOW: {IDS[3], IDS[4]}}
    assert queue.permits.unmark([], Lane.LOW).hungry == {Lane.LOW: {IDS[3], IDS[4]}}


def test_unmarking_when_nothing_was_ever_marked(queue: Queue) -> None:
    assert queue.permits.unmark([IDS[0]], Lane.HIGH) == Control(limit=LIMIT)


def test_a_repeated_write_is_a_success(queue: Queue) -> None:
    """Its first answer was lost: the exact value in the map tells."""
    first = queue.permits.take(seeker(), limit=LIMIT)
    assert queue.permits.take(seeker(), limit=LIMIT) == first
    second = queue.permits.swap(held(), seeker(1), limit=LIMIT)
    assert queue.permits.swap(held(), seeker(1), limit=LIMIT) == second
    until = SOON + timedelta(seconds=20)
    third = queue.permits.renew(held(1), until=until)
    assert queue.permits.renew(held(1), until=until) == third
    assert third.permits == {IDS[1]: PERMIT._replace(until=until)}


def test_another_ones_grant_is_no_success_of_a_swap(queue: Queue) -> None:
    queue.permits.take(seeker(), limit=LIMIT)
    queue.permits.take(seeker(1), limit=LIMIT)
    refused(queue, lambda: queue.permits.swap(held(), seeker(1), limit=LIMIT))


numbers = st.integers(0, len(IDS) - 1)
permits = st.builds(Permit, st.sampled_from([SOON, SOON + timedelta(seconds=1)]), st.integers(0, 1), st.just(0))
rivals = st.none() | st.frozensets(st.sampled_from(IDS), max_size=1)
seekers = st.builds(Seeker, st.sampled_from(IDS), st.sampled_from(Lane), permits, rivals)
holders = st.builds(Held, st.sampled_from(IDS), permits)
limits = st.sampled_from([2, LIMIT, LIMIT, LIMIT])
Step = Callable[[Queue], Control]


def a_take(who: Seeker, limit: int) -> Step:
    return lambda queue: queue.permits.take(who, limit=limit)


def a_swap(what: Held, who: Seeker, limit: int) -> Step:
    return lambda queue: queue.permits.swap(what, who, limit=limit)


def a_drop(what: Held) -> Step:
    return lambda queue: queue.permits.drop(what)


def a_renewal(what: Held, permit: Permit) -> Step:
    return lambda queue: queue.permits.renew(what, until=permit.until)


def a_mark(download_id: str, lane: Lane, limit: int) -> Step:
    return lambda queue: queue.permits.mark(download_id, lane, limit=limit)


def an_unmark(ids: list[str], lane: Lane) -> Step:
    return lambda queue: queue.permits.unmark(ids, lane)


def an_order(limit: int, paused: bool) -> Step:
    def set_and_read(queue: Queue) -> Control:
        queue.set_control(limit=limit, paused=paused)
        return queue.permits.read()

    return set_and_read


steps = st.one_of(
    st.builds(a_take, seekers, limits),
    st.builds(a_take, seekers, limits),
    st.builds(a_swap, holders, seekers, limits),
    st.builds(a_drop, holders),
    st.builds(a_renewal, holders, permits),
    st.builds(a_mark, st.sampled_from(IDS), st.sampled_from(Lane), limits),
    st.builds(an_unmark, st.lists(st.sampled_from(IDS), max_size=2), st.sampled_from(Lane)),
    st.builds(an_order, limits, st.sampled_from([False, False, True])),
)


def answer(queue: Queue, step: Step) -> tuple[str, Control]:
    try:
        return "granted", step(queue)
    except PermitRefused as refusal:
        return "refused", refusal.control


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(steps, min_size=3, max_size=12))
def test_any_story_reads_the_same(emulator: Emulator, tables: Tables, story: list[Step]) -> None:
    emulator.aws.dynamodb.delete_item(TableName=tables.queue, Key={"pk": {"S": "CTL"}, "sk": {"S": "CTL"}})
    both = queue_in_memory(), queue_on(emulator, tables.queue)
    for step in story:
        in_memory, on_dynamodb = (answer(queue, step) for queue in both)
        assert on_dynamodb == in_memory
