"""When a job runs next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper.domain.schedules import Cron, Rate, next_run, parse

NAIVE = datetime.fromisoformat("2020-01-01")
NOW = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)  # a Saturday


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "every"),
    [
        ("rate(1 day)", timedelta(days=1)),
        ("rate(5 minutes)", timedelta(minutes=5)),
        ("rate(12 hours)", timedelta(hours=12)),
    ],
)
def test_a_rate_is_a_period(expression: str, every: timedelta) -> None:
    assert parse(expression) == Rate(every)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 3 * * ? *)", "2026-11-22T03:00"),
        ("cron(45 8 * * ? *)", "2026-11-21T08:45"),
        ("cron(30 8 * * ? *)", "2026-11-22T08:30"),
        ("cron(0/15 * * * ? *)", "2026-11-21T08:45"),
        ("cron(0 9-17 ? * MON-FRI *)", "2026-11-23T09:00"),
        ("cron(0 0 1 * ? *)", "2026-12-01T00:00"),
        ("cron(0 0 ? JAN,JUL SUN *)", "2027-01-03T00:00"),
        ("cron(5 4 29 2 ? *)", "2028-02-29T04:05"),
        ("cron(0 12 ? * 1 2027)", "2027-01-03T12:00"),
        ("cron(10,50 8,20 * * ? *)", "2026-11-21T08:50"),
    ],
)
def test_a_cron_names_minutes(expression: str, expected: str) -> None:
    assert next_run(expression, now=NOW, last=None) == moment(expected)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "daily",
        "rate(0 days)",
        "rate(1 week)",
        "cron(0 3 * *)",
        "cron(60 3 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 3 0 * ? *)",
        "cron(0 3 L * ? *)",
        "cron(0 3 ? * 6#3 *)",
        "cron(5-1 3 * * ? *)",
        "cron(0/0x 3 * * ? *)",
        "cron(-1 3 * * ? *)",
    ],
)
def test_what_is_not_understood_is_not_told(expression: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse(expression)
    assert next_run(expression, now=NOW, last=NOW) is None


def test_a_job_without_schedule_has_no_next_run() -> None:
    assert next_run(None, now=NOW, last=NOW) is None


def test_a_year_that_is_over_never_comes() -> None:
    assert next_run("cron(0 0 * * ? 2020)", now=NOW, last=None) is None


def test_a_rate_counts_from_the_last_run() -> None:
    assert next_run("rate(1 hour)", now=NOW, last=None) is None
    assert next_run("rate(1 hour)", now=NOW, last=NOW) == NOW + timedelta(hours=1)
    assert next_run("rate(1 hour)", now=NOW, last=NOW - timedelta(hours=5, minutes=10)) == NOW + timedelta(minutes=50)


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    now=st.datetimes(min_value=NAIVE, max_value=NAIVE + timedelta(days=25_000), timezones=st.just(UTC)),
)
def test_the_next_minute_is_ahead_named_and_the_first(minute: int, hour: int, now: datetime) -> None:
    found = next_run(f"cron({minute} {hour} * * ? *)", now=now, last=None)
    assert found is not None
    assert now < found <= now + timedelta(days=1)
    assert (found.minute, found.hour, found.second, found.microsecond) == (minute, hour, 0, 0)


def test_days_are_counted_from_sunday() -> None:
    found = parse("cron(0 0 ? * SUN *)")
    assert isinstance(found, Cron)
    assert found.weekdays == frozenset({1})
