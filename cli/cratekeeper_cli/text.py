"""Words for people: safe names, human sizes, spans and times."""

import re
from datetime import datetime
from typing import Final

_UNSAFE: Final = re.compile(
    # C0, DEL, C1 (terminal escapes), line separators, and the marks that turn text around.
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_UNITS: Final = ("kB", "MB", "GB", "TB")
_KILO: Final = 1000
_TENTHS_BELOW: Final = 100
_ALMOST_ONE: Final = 0.95
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400


def clean(text: str, *, limit: int = 200) -> str:
    """`text` on one line of at most `limit` characters, unable to steer a terminal.

    Names come from outside: a control character becomes a blank, and the cut comes first so
    that a name of megabytes costs nothing.
    """
    short = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return _UNSAFE.sub(" ", short).strip()


def size(size_bytes: float | None) -> str:
    """Decimal units, as players and shops count them: 950 B, 5.2 MB, 420 MB."""
    if size_bytes is None:
        return "–"
    if size_bytes < _KILO:
        return f"{size_bytes:.0f} B"
    amount, unit = size_bytes / _KILO, _UNITS[0]
    for larger in _UNITS[1:]:
        if round(amount) < _KILO:
            break
        amount, unit = amount / _KILO, larger
    return f"{amount:.1f} {unit}" if amount < _TENTHS_BELOW else f"{amount:.0f} {unit}"


def span(span_s: float | None) -> str:
    """Seconds in the two largest units: 0.4 s, 12 s, 3 min 05 s, 2 h 10 min, 3 d 4 h."""
    if span_s is None:
        return "–"
    if span_s < _ALMOST_ONE:
        return f"{max(span_s, 0):.1f} s"
    whole = round(span_s)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < _DAY_S:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def moment(at: datetime | None) -> str:
    """An instant in the reader's own time zone, to the second."""
    return "–" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def minute(at: datetime | None) -> str:
    """An instant in the reader's own time zone, to the minute: for lists."""
    return "–" if at is None else at.astimezone().strftime("%m-%d %H:%M")
