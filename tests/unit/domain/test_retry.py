from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratekeeper.domain.failures import RULES, ErrorType
from cratekeeper.domain.retry import Counts, Failure, GiveUp, RetryAt, RetryPolicy
from tests.support.builders import NOW, at

FEW = settings(max_examples=30)
POLICY = RetryPolicy()
NO_FAILURES = Counts()
DICE = st.floats(0, 1, exclude_max=True)
RETRIES = st.integers(0, 10**9)
SECONDS = st.floats(0, 10**6)
POLICIES = st.builds(RetryPolicy, initial_s=SECONDS, max_s=SECONDS, multiplier=st.floats(1, 100))
RETRIED = sorted(error_type for error_type, rule in RULES.items() if rule.retries)
SPENDING = sorted(error_type for error_type, rule in RULES.items() if rule.spends)


def decide(
    failure: Failure | ErrorType, counts: Counts = NO_FAILURES, *, max_retries: int = 5, dice: float = 0.0
) -> RetryAt | GiveUp:
    if isinstance(failure, ErrorType):
        failure = Failure(failure)
    return POLICY.decide(failure, counts, max_retries=max_retries, now=NOW, dice=dice)


@pytest.mark.case("R-01")
def test_each_wait_is_twice_the_one_before() -> None:
    assert [POLICY.backoff_s(retry) for retry in range(5)] == [60, 120, 240, 480, 960]


@pytest.mark.case("R-02")
@pytest.mark.parametrize(("number", "seconds"), [(3, 240), (4, 300), (6, 300)])
def test_no_wait_is_longer_than_the_cap(number: int, seconds: float) -> None:
    assert RetryPolicy(max_s=300).backoff_s(number - 1) == seconds


@pytest.mark.case("R-03")
@FEW
@given(RETRIES, DICE)
def test_without_an_initial_wait_there_is_none(retry: int, dice: float) -> None:
    assert RetryPolicy(initial_s=0).wait_s(retry, dice=dice) == 0


@pytest.mark.case("R-04")
@pytest.mark.parametrize("retry", [40, 1_100, 10**9])
def test_a_high_count_gives_exactly_the_cap(retry: int) -> None:
    assert POLICY.backoff_s(retry) == 3600


@pytest.mark.case("R-05")
def test_jitter_spreads_a_wait_over_its_last_fifth() -> None:
    waits = [POLICY.wait_s(0, dice=dice / 1000) for dice in range(1000)]
    assert all(48 <= wait <= 60 for wait in waits)
    assert len(set(waits)) == 1000


@FEW
@given(POLICIES, RETRIES, DICE)
def test_a_wait_lies_between_four_fifths_of_the_backoff_and_the_cap(
    policy: RetryPolicy, retry: int, dice: float
) -> None:
    backoff = policy.backoff_s(retry)
    assert 0.8 * backoff <= policy.wait_s(retry, dice=dice) <= backoff <= policy.max_s


@FEW
@given(POLICIES, st.integers(0, 2000))
def test_the_backoff_never_falls(policy: RetryPolicy, retry: int) -> None:
    assert policy.backoff_s(retry) <= policy.backoff_s(retry + 1)


@pytest.mark.case("R-06")
@pytest.mark.parametrize("error_type", SPENDING)
def test_a_failure_with_retries_left_waits_and_spends_one(error_type: ErrorType) -> None:
    decision = decide(error_type)
    assert isinstance(decision, RetryAt)
    assert decision.at == at(60)
    assert decision.counts.retries == 1


@pytest.mark.case("R-07", "R-15")
@pytest.mark.parametrize("error_type", [ErrorType.NOT_FOUND, ErrorType.REJECTED, ErrorType.LOST])
@FEW
@given(max_retries=st.integers(0, 40))
def test_a_final_answer_is_never_asked_for_again(error_type: ErrorType, max_retries: int) -> None:
    assert decide(error_type, max_retries=max_retries) == GiveUp()


@pytest.mark.case("R-08")
@FEW
@given(max_retries=st.integers(0, 40))
def test_an_item_that_always_fails_is_tried_max_retries_times_more(max_retries: int) -> None:
    counts, tried = Counts(), 0
    while isinstance(decision := decide(ErrorType.TIMEOUT, counts, max_retries=max_retries), RetryAt):
        counts, tried = decision.counts, tried + 1
    assert tried == counts.retries == max_retries


def test_corrupt_bytes_are_asked_for_again_twice() -> None:
    assert isinstance(decide(ErrorType.CORRUPT, Counts(retries=1, corrupt=1)), RetryAt)
    assert decide(ErrorType.CORRUPT, Counts(retries=2, corrupt=2)) == GiveUp()


@pytest.mark.case("X-09")
def test_a_busy_provider_costs_no_retry_for_fifty_waits_in_a_row() -> None:
    counts = Counts(retries=2)
    for _ in range(50):
        decision = decide(ErrorType.BUSY, counts, max_retries=2)
        assert isinstance(decision, RetryAt)
        counts = decision.counts
    assert counts == Counts(retries=2, busy=50)
    assert decide(ErrorType.BUSY, counts) == GiveUp()


def test_any_other_failure_ends_a_row_of_busy_answers() -> None:
    decision = decide(ErrorType.TIMEOUT, Counts(busy=49))
    assert decision == RetryAt(at(60), Counts(retries=1, busy=0))


def test_busy_waits_grow_by_their_own_count() -> None:
    assert decide(ErrorType.BUSY, Counts(retries=4, busy=1)) == RetryAt(at(120), Counts(retries=4, busy=2))


@pytest.mark.parametrize(("asked", "waited"), [(0, 1), (-5, 1), (1, 1), (90, 90), (86_400, 86_400), (10**9, 86_400)])
def test_what_the_provider_asked_for_is_kept_within_a_second_and_a_day(asked: float, waited: float) -> None:
    decision = decide(Failure(ErrorType.BUSY, retry_after_s=asked), dice=0.9)
    assert isinstance(decision, RetryAt)
    assert decision.at == at(waited)


@FEW
@given(st.lists(st.sampled_from([*ErrorType])), st.integers(0, 10), DICE)
def test_counts_stay_within_their_bounds_whatever_fails(
    failures: list[ErrorType], max_retries: int, dice: float
) -> None:
    counts = Counts()
    for error_type in failures:
        decision = decide(error_type, counts, max_retries=max_retries, dice=dice)
        if isinstance(decision, RetryAt):
            counts = decision.counts
    assert counts.retries <= max_retries
    assert counts.corrupt <= 2
    assert counts.busy <= 50


@FEW
@given(st.sampled_from(RETRIED), DICE)
def test_a_retry_falls_on_a_whole_millisecond_not_before_now(error_type: ErrorType, dice: float) -> None:
    decision = decide(error_type, dice=dice)
    assert isinstance(decision, RetryAt)
    assert decision.at >= NOW + timedelta(seconds=48)
    assert decision.at.microsecond % 1000 == 0
