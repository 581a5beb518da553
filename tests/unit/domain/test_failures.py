import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratekeeper.domain.failures import RULES, ErrorType, of_status

FEW = settings(max_examples=30)


@pytest.mark.case("R-07", "R-15")
@pytest.mark.parametrize(
    ("status", "error_type"),
    [
        (400, ErrorType.REJECTED),
        (401, ErrorType.REJECTED),
        (403, ErrorType.REJECTED),
        (405, ErrorType.REJECTED),
        (404, ErrorType.NOT_FOUND),
        (410, ErrorType.NOT_FOUND),
        (429, ErrorType.BUSY),
        (500, ErrorType.CONNECTION),
        (502, ErrorType.CONNECTION),
        (503, ErrorType.CONNECTION),
        (504, ErrorType.TIMEOUT),
        (302, ErrorType.UNKNOWN),
        (418, ErrorType.UNKNOWN),
    ],
)
def test_a_status_has_its_class(status: int, error_type: ErrorType) -> None:
    assert of_status(status, has_retry_after=False) is error_type


@FEW
@given(st.integers(200, 299), st.booleans())
def test_a_success_is_no_failure(status: int, has_retry_after: bool) -> None:
    assert of_status(status, has_retry_after=has_retry_after) is None


@FEW
@given(st.one_of(st.integers(100, 199), st.integers(300, 999)), st.booleans())
def test_every_other_status_is_a_failure(status: int, has_retry_after: bool) -> None:
    assert of_status(status, has_retry_after=has_retry_after) in RULES


def test_503_is_busy_only_where_the_provider_says_when_to_come_back() -> None:
    assert of_status(503, has_retry_after=True) is ErrorType.BUSY
    assert of_status(500, has_retry_after=True) is ErrorType.CONNECTION


def test_every_class_has_a_rule() -> None:
    assert {*RULES} == {*ErrorType}


@pytest.mark.case("R-06", "R-15")
def test_only_answers_that_will_not_change_are_final() -> None:
    final = {error_type for error_type, rule in RULES.items() if not rule.retries}
    assert final == {ErrorType.NOT_FOUND, ErrorType.REJECTED, ErrorType.LOST}


def test_waiting_for_a_busy_provider_is_free_and_yet_bounded() -> None:
    busy = RULES[ErrorType.BUSY]
    assert (busy.retries, busy.spends, busy.cap) == (True, False, 50)


def test_every_retry_is_bounded() -> None:
    assert all(rule.spends or rule.cap for rule in RULES.values() if rule.retries)
