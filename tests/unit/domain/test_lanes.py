from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratekeeper.domain.ids import child_id, root_of, split
from cratekeeper.domain.lanes import Lane, order_of
from tests.support.builders import root_id

FEW = settings(max_examples=30)
LANES = st.sampled_from(Lane)
ROOTS = st.integers(1, 20).map(root_id)
IDS = st.one_of(ROOTS, st.builds(child_id, ROOTS, st.integers(1, 300)))
WORK = st.tuples(IDS, LANES)


@FEW
@given(st.lists(WORK, unique=True))
def test_the_order_is_by_lane_then_children_first_then_age_then_ordinal(work: list[tuple[str, Lane]]) -> None:
    def place(each: tuple[str, Lane]) -> tuple[int, int, str, int]:
        ordinal = split(each[0])[1]
        return int(each[1]), 1 if ordinal is None else 0, root_of(each[0]), ordinal or 0

    assert sorted(work, key=lambda each: order_of(*each)) == sorted(work, key=place)


@FEW
@given(WORK, WORK, WORK)
def test_the_order_is_strict_and_total(a: tuple[str, Lane], b: tuple[str, Lane], c: tuple[str, Lane]) -> None:
    first, second, third = order_of(*a), order_of(*b), order_of(*c)
    assert (first < second) + (second < first) + (a == b) == 1
    assert first <= third or not first <= second <= third


def test_the_lower_lane_number_goes_first_whatever_the_age() -> None:
    old, young = root_id(1), root_id(2)
    for lane, later in permutations(Lane, 2):
        assert (order_of(young, lane) < order_of(old, later)) == (lane < later)


def test_in_a_lane_the_older_root_goes_first() -> None:
    assert order_of(root_id(1), Lane.NORMAL) < order_of(root_id(2), Lane.NORMAL)


def test_a_child_of_a_started_album_goes_before_an_older_album() -> None:
    assert order_of(child_id(root_id(2), 1), Lane.NORMAL) < order_of(root_id(1), Lane.NORMAL)


def test_children_go_in_album_order() -> None:
    children = [child_id(root_id(1), ordinal) for ordinal in (100, 99, 98, 10, 2, 1)]
    in_order = sorted(children, key=lambda each: order_of(each, Lane.LOW))
    assert in_order == children[::-1]


@pytest.mark.parametrize(
    ("lane", "higher"),
    [(Lane.HIGH, ()), (Lane.NORMAL, (Lane.HIGH,)), (Lane.LOW, (Lane.HIGH, Lane.NORMAL))],
)
def test_a_lane_knows_those_that_go_before_it(lane: Lane, higher: tuple[Lane, ...]) -> None:
    assert lane.higher == higher
