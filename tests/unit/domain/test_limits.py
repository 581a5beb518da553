from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratekeeper.domain.limits import (
    AlbumCapacity,
    UserLimits,
    at_capacity,
    can_request,
    day_of,
    day_window,
    hour_window,
    next_day,
    next_hour,
    window_end,
)
from cratekeeper.domain.models import Usage
from tests.support.builders import NOW

FEW = settings(max_examples=30)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
TODAY = "2026-11-21"
CAPACITY = AlbumCapacity(max_per_hour=10, max_per_day=60)


def usage(requests: int = 0, active: int = 0, day: str = TODAY) -> Usage:
    return Usage(user_id="alice", day=day, requests=requests, active=frozenset(map(str, range(active))))


@pytest.mark.case("L-03")
@pytest.mark.parametrize(
    ("requests", "active", "expected"),
    [(0, 0, True), (99, 199, True), (100, 0, False), (0, 200, False), (101, 0, False), (0, 201, False)],
)
def test_a_request_is_allowed_below_both_limits(requests: int, active: int, expected: bool) -> None:
    limits = UserLimits(max_per_day=100, max_queue=200)
    assert can_request(usage(requests, active), limits, NOW) is expected


def test_without_limits_everything_is_allowed() -> None:
    assert can_request(usage(10**6, 1000), UserLimits(max_per_day=None, max_queue=None), NOW)


@pytest.mark.parametrize(
    "limits", [UserLimits(max_per_day=0, max_queue=None), UserLimits(max_per_day=None, max_queue=0)]
)
def test_a_limit_of_zero_allows_nothing(limits: UserLimits) -> None:
    assert not can_request(usage(), limits, NOW)


@pytest.mark.case("L-07")
def test_requests_of_another_day_are_forgotten_and_active_ones_are_not() -> None:
    limits = UserLimits(max_per_day=100, max_queue=200)
    assert can_request(usage(100, day="2026-11-20"), limits, NOW)
    assert not can_request(usage(100, active=200, day="2026-11-20"), limits, NOW)


@pytest.mark.case("L-10")
@pytest.mark.parametrize(
    ("this_hour", "today", "expected"),
    [(9, 9, False), (10, 10, True), (11, 11, True), (0, 59, False), (0, 60, True), (0, 0, False)],
)
def test_capacity_is_used_up_when_the_hour_or_the_day_is(this_hour: int, today: int, expected: bool) -> None:
    assert at_capacity(CAPACITY, this_hour=this_hour, today=today) is expected


def test_capacity_without_bounds_is_never_used_up() -> None:
    assert not at_capacity(AlbumCapacity(max_per_hour=None, max_per_day=None), this_hour=10**6, today=10**6)


def test_capacity_of_zero_is_always_used_up() -> None:
    assert at_capacity(AlbumCapacity(max_per_hour=0, max_per_day=None), this_hour=0, today=0)


@pytest.mark.case("L-12")
def test_windows_are_named_by_the_utc_hour_and_day() -> None:
    assert hour_window(NOW) == "H#2026-11-21T08"
    assert day_window(NOW) == f"D#{day_of(NOW)}" == "D#2026-11-21"


@pytest.mark.case("L-12")
@FEW
@given(TIMES)
def test_a_window_ends_at_the_next_whole_hour_or_midnight(now: datetime) -> None:
    hour, day = window_end(hour_window(now), now), window_end(day_window(now), now)
    assert timedelta() < hour - now <= timedelta(hours=1)
    assert timedelta() < day - now <= timedelta(days=1)
    assert (hour.minute, hour.second, hour.microsecond) == (0, 0, 0)
    assert (day.hour, day.minute, day.second, day.microsecond) == (0, 0, 0, 0)


@pytest.mark.case("L-12")
@FEW
@given(TIMES)
def test_the_next_window_begins_where_the_last_one_ends(now: datetime) -> None:
    moment = timedelta(microseconds=1)
    assert hour_window(next_hour(now)) != hour_window(next_hour(now) - moment) == hour_window(now)
    assert day_window(next_day(now)) != day_window(next_day(now) - moment) == day_window(now)
