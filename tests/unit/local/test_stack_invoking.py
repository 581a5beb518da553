"""The caller of an event: the example's key is nobody's, so another takes its place."""

import pytest

from cratekeeper_local.invoking import EXAMPLE, in_the_name_of
from tests.support.events import TOKEN


def test_the_example_is_the_one_of_the_event_files() -> None:
    assert f"Bearer {TOKEN}" == EXAMPLE


def test_a_key_takes_the_place_of_the_example() -> None:
    event = {"headers": {"authorization": EXAMPLE, "host": "h"}, "body": "b"}
    signed = in_the_name_of("ck_mine", event)
    assert signed == {"headers": {"authorization": "Bearer ck_mine", "host": "h"}, "body": "b"}
    assert event["headers"] == {"authorization": EXAMPLE, "host": "h"}


@pytest.mark.parametrize(
    "event",
    [None, [], {"job": "x"}, {"headers": None}, {"headers": {}}, {"headers": {"authorization": "Bearer ck_other"}}],
)
def test_any_other_event_stays_as_it_is(event: object) -> None:
    assert in_the_name_of("ck_mine", event) == event
