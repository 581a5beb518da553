"""What a trigger may bring to a job."""

import pytest

from cratekeeper.domain.jobs import JOBS, Flag, Whole


@pytest.mark.parametrize("value", [1, 7, 90])
def test_both_ends_of_a_range_fit(value: int) -> None:
    assert Whole(1, 90).fault(value) is None


@pytest.mark.parametrize("value", [0, 91, -1, True, 1.0, "7", None])
def test_everything_else_is_told_the_range(value: object) -> None:
    assert Whole(1, 90).fault(value) == "not a whole number from 1 to 90"


def test_a_flag_is_no_number() -> None:
    assert [Flag().fault(value) for value in (True, False)] == [None, None]
    assert {Flag().fault(value) for value in (0, 1, "true", None)} == {"neither true nor false"}


def test_a_parameter_that_a_job_does_not_have_is_a_fault() -> None:
    assert JOBS["popular_content"].fault("days", 30) is None
    assert JOBS["audit_retention"].fault("days", 30) == "audit_retention has no such parameter"
