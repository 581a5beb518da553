"""When a job runs next: the `rate(…)` and `cron(…)` expressions of EventBridge, in UTC."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

AHEAD: Final = timedelta(days=4 * 366)
"""How far ahead a cron expression is followed: a 29th of February comes within it."""

_RATE: Final = re.compile(r"rate\(([1-9][0-9]*) (minute|hour|day)s?\)")
_CRON: Final = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_MINUTES: Final = {"minute": 1, "hour": 60, "day": 1440}
_MONTHS: Final = {
    name: at
    for at, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), start=1
    )
}
_DAYS: Final = {name: at for at, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)}


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression: the values of each field; days are told by `days_of_month` or by `weekdays`, 1 = Sunday."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days_of_month: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]

    def after(self, moment: datetime) -> datetime | None:
        """The first minute after `moment` that it names; None if there is none within AHEAD."""
        first = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        for number in range(AHEAD.days):
            midnight = first.replace(hour=0, minute=0) + timedelta(days=number)
            if self._names(midnight.date()):
                found = self._time_of(midnight, not_before=first)
                if found:
                    return found
        return None

    def _names(self, day: date) -> bool:
        is_in_year = day.year in self.years and day.month in self.months
        return is_in_year and day.day in self.days_of_month and day.isoweekday() % 7 + 1 in self.weekdays

    def _time_of(self, midnight: datetime, *, not_before: datetime) -> datetime | None:
        times = (midnight.replace(hour=hour, minute=at) for hour in sorted(self.hours) for at in sorted(self.minutes))
        return next((time for time in times if time >= not_before), None)


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so often, counted from the rule's creation, which only EventBridge knows."""

    every: timedelta

    def after(self, moment: datetime, *, last: datetime | None) -> datetime | None:
        """The first time after `moment` that is whole periods after `last`; None if it never ran."""
        if last is None:
            return None
        return last + self.every * max(1, (moment - last) // self.every + 1)


def parse(expression: str) -> Rate | Cron:
    """The schedule that an expression says. Raises ValueError, naming what is wrong.

    Of cron's fields `L`, `W` and `#` are not understood: they are valid for EventBridge, and the next run
    is not told then.
    """
    rate = _RATE.fullmatch(expression)
    if rate:
        return Rate(timedelta(minutes=int(rate[1]) * _MINUTES[rate[2]]))
    cron = _CRON.fullmatch(expression)
    if cron is None:
        raise ValueError(f"not a schedule: {expression}")
    minute, hour, day, month, weekday, year = cron.groups()
    return Cron(
        minutes=_values(minute, 0, 59),
        hours=_values(hour, 0, 23),
        days_of_month=_values(day, 1, 31),
        months=_values(month, 1, 12, _MONTHS),
        weekdays=_values(weekday, 1, 7, _DAYS),
        years=_values(year, 1970, 2199),
    )


def next_run(expression: str | None, *, now: datetime, last: datetime | None) -> datetime | None:
    """When a schedule fires next after `now`, with its last firing; None = not scheduled, or not known."""
    if expression is None:
        return None
    try:
        schedule = parse(expression)
    except ValueError:
        return None
    return schedule.after(now, last=last) if isinstance(schedule, Rate) else schedule.after(now)


def _values(field: str, first: int, last: int, names: Mapping[str, int] | None = None) -> frozenset[int]:
    """The values of a field: `*`, `?`, numbers, names, ranges `a-b`, steps `a/n`, lists of these by comma."""
    return frozenset(value for part in field.split(",") for value in _range(part, first, last, names or {}))


def _range(part: str, first: int, last: int, names: Mapping[str, int]) -> range:
    span, _, step = part.partition("/")
    low, _, high = span.partition("-")
    if span in {"*", "?"}:
        begin, end = first, last
    else:
        begin = _number(low, names)
        end = _number(high, names) if high else (last if step else begin)
    if not first <= begin <= end <= last:
        raise ValueError(f"not within {first} to {last}: {part}")
    return range(begin, end + 1, _number(step, {}) if step else 1)


def _number(text: str, names: Mapping[str, int]) -> int:
    if text.upper() in names:
        return names[text.upper()]
    if not text.isdecimal():
        raise ValueError(f"not a value of a cron field: {text}")
    return int(text)
