from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratekeeper.domain.control import Control, Held, Permit, Seeker
from cratekeeper.domain.lanes import Lane
from tests.support.builders import NOW, a_control, a_held, a_permit, a_seeker, at

FEW = settings(max_examples=30)
LANES = st.sampled_from(Lane)
NAMES = st.sampled_from("abcdef")
PERMITS = st.builds(Permit, st.integers(-90, 90).map(at), st.integers(0, 2), st.integers(0, 1))
CONTROLS = st.builds(
    Control,
    limit=st.one_of(st.none(), st.integers(0, 4)),
    paused=st.booleans(),
    permits=st.dictionaries(NAMES, PERMITS, max_size=4),
    hungry=st.dictionaries(LANES, st.frozensets(NAMES, min_size=1)),
)
SEEKERS = st.builds(Seeker, NAMES, LANES, PERMITS)


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (a_control(), True),
        (a_control("x", "y"), True),
        (a_control("x", "y", "z"), False),
        (a_control("a"), False),
        (a_control(paused=True), False),
        (a_control(limit=0), False),
        (a_control(limit=None), False),
        (a_control(hungry={Lane.HIGH: frozenset({"h"})}), False),
        (a_control(hungry={Lane.NORMAL: frozenset({"n"})}), True),
        (a_control(hungry={Lane.LOW: frozenset({"l"})}), True),
    ],
)
def test_a_free_permit_is_taken_only_if(control: Control, expected: bool) -> None:
    assert control.may_take(a_seeker("a")) is expected


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (a_control("mine"), True),
        (a_control("mine", "x", "y"), True),
        (a_control("mine", "x", "y", "z"), False),
        (a_control("mine", "a"), False),
        (a_control("x"), False),
        (a_control("mine", paused=True), False),
        (a_control("mine", limit=0), False),
        (a_control("mine", limit=None), False),
        (a_control("mine", hungry={Lane.HIGH: frozenset({"h"})}), False),
        (a_control("mine", hungry={Lane.LOW: frozenset({"l"})}), True),
    ],
)
def test_a_permit_is_swapped_only_if(control: Control, expected: bool) -> None:
    assert control.may_swap(a_held("mine"), a_seeker("a")) is expected


def test_a_permit_may_be_swapped_for_ones_own_next_attempt() -> None:
    seeker = a_seeker("mine", permit=a_permit(epoch=1))
    assert a_control("mine").may_swap(a_held("mine"), seeker)


@pytest.mark.parametrize("other", [a_permit(at(61)), a_permit(epoch=1), a_permit(round=1)])
def test_only_the_exact_stored_permit_is_the_holders(other: Permit) -> None:
    control = a_control("mine")
    assert control.holds(a_held("mine"))
    assert not control.holds(a_held("mine", other))
    assert not control.may_swap(a_held("mine", other), a_seeker("a"))


@pytest.mark.parametrize(
    ("rivals", "expected"),
    [(None, True), (frozenset({"r"}), True), (frozenset(), False), (frozenset({"r", "s"}), False)],
)
def test_an_old_view_swaps_only_while_its_lane_is_as_hungry_as_it_saw(
    rivals: frozenset[str] | None, expected: bool
) -> None:
    control = a_control("mine", hungry={Lane.NORMAL: frozenset({"r"})})
    assert control.may_swap(a_held("mine"), a_seeker("a", rivals=rivals)) is expected


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (a_control("x", "y"), False),
        (a_control("x", "y", "z"), True),
        (a_control("a"), True),
        (a_control(hungry={Lane.HIGH: frozenset({"h"})}), True),
        (a_control(hungry={Lane.LOW: frozenset({"l"})}), False),
        (a_control(limit=None), False),
    ],
)
def test_an_id_is_marked_hungry_only_if(control: Control, expected: bool) -> None:
    assert control.may_mark("a", Lane.NORMAL) is expected


@FEW
@given(CONTROLS, SEEKERS)
def test_who_may_not_take_from_an_open_queue_may_mark(control: Control, seeker: Seeker) -> None:
    """No wake-up is lost: between a refused take and a refused mark the control item has changed."""
    if not control.is_closed and control.limit is not None:
        assert control.may_take(seeker) or control.may_mark(seeker.id, seeker.lane)


@FEW
@given(CONTROLS, SEEKERS)
def test_a_take_never_exceeds_the_limit(control: Control, seeker: Seeker) -> None:
    if control.may_take(seeker):
        assert control.limit is not None
        assert len({*control.permits, seeker.id}) <= control.limit


@FEW
@given(CONTROLS, SEEKERS, NAMES)
def test_a_swap_never_raises_the_number_of_permits(control: Control, seeker: Seeker, name: str) -> None:
    held = Held(name, control.permits.get(name, a_permit()))
    if control.may_swap(held, seeker):
        after = {*control.permits} - {name} | {seeker.id}
        assert len(after) == len(control.permits) <= (control.limit or 0)


@FEW
@given(CONTROLS, SEEKERS)
def test_nothing_is_granted_past_a_hungry_higher_lane(control: Control, seeker: Seeker) -> None:
    if control.hungry_above(seeker.lane):
        assert not control.may_take(seeker)
        assert not any(control.may_swap(Held(*each), seeker) for each in control.permits.items())


@pytest.mark.parametrize("closed", [a_control("mine", paused=True), a_control("mine", limit=0)])
def test_a_closed_queue_grants_nothing(closed: Control) -> None:
    assert closed.is_closed
    assert not replace(closed, permits={}).may_take(a_seeker("a"))
    assert not closed.may_swap(a_held("mine"), a_seeker("a"))


@pytest.mark.parametrize("limit", [None, 1, 1000])
def test_an_open_queue_is_not_closed(limit: int | None) -> None:
    assert not a_control(limit=limit).is_closed


def test_a_permit_is_live_up_to_its_very_end() -> None:
    control = a_control(permits={"a": a_permit(at(-1)), "b": a_permit(at(0)), "c": a_permit(at(1))})
    assert control.live(NOW) == 2
    assert [held.id for held in control.lapsed(NOW)] == ["a"]


@FEW
@given(CONTROLS)
def test_permits_are_live_or_lapsed_and_the_oldest_lapsed_comes_first(control: Control) -> None:
    lapsed = control.lapsed(NOW)
    assert control.live(NOW) + len(lapsed) == len(control.permits)
    assert [held.permit.until for held in lapsed] == sorted(held.permit.until for held in lapsed)


def test_every_hungry_id_is_known_with_its_lane() -> None:
    control = a_control(hungry={Lane.HIGH: frozenset({"h"}), Lane.LOW: frozenset({"l"})})
    assert sorted(control.all_hungry()) == [("h", Lane.HIGH), ("l", Lane.LOW)]
    assert control.hungry_above(Lane.HIGH) == frozenset()
    assert control.hungry_above(Lane.LOW) == {"h"}
