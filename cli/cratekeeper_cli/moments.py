"""Points in time as people type them: `2h`, `18:30`, `2026-12-01T08:00`."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Final

from cratekeeper_cli.errors import BadInput

_SPAN: Final = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?", re.ASCII)
_HOW: Final = "expected 90m, 2h, 1d12h, a time of day such as 18:30, or 2026-12-01T08:00"


def instant(text: str, *, now: datetime | None) -> datetime:
    """The instant that `text` means, aware; without an offset it is in the reader's own time zone.

    A span and a time of day count from `now`, the server's clock; without one they are refused.
    Raises BadInput for anything that is none of the forms.
    """
    word = text.strip()
    if found := _span(word):
        return _known(now) + found
    if clock := _clock(word):
        local = _known(now).astimezone()
        today = datetime.combine(local.date(), clock).astimezone()
        return today if today > local else datetime.combine(local.date() + timedelta(days=1), clock).astimezone()
    return _date(word)


def past(text: str, *, now: datetime | None) -> datetime:
    """As `instant`, for what has been: a span counts back, a time of day is the last one. Raises BadInput."""
    word = text.strip()
    if found := _span(word):
        return _known(now) - found
    if clock := _clock(word):
        local = _known(now).astimezone()
        today = datetime.combine(local.date(), clock).astimezone()
        return today if today <= local else datetime.combine(local.date() - timedelta(days=1), clock).astimezone()
    return _date(word)


def iso(at: datetime) -> str:
    """As the API writes it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _span(word: str) -> timedelta | None:
    found = _SPAN.fullmatch(word)
    if not word or not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _clock(word: str) -> time | None:
    try:
        return time.fromisoformat(word) if ":" in word else None
    except ValueError:
        return None


def _date(word: str) -> datetime:
    try:
        return datetime.fromisoformat(word).astimezone()
    except (ValueError, OverflowError, OSError):
        raise BadInput(f"not a time: {word!r}; {_HOW}") from None


def _known(now: datetime | None) -> datetime:
    if now is None:
        raise BadInput("the server does not tell its time; give a date and a time, such as 2026-12-01T08:00")
    return now
