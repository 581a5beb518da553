"""Sizes, spans, times and names as people read them."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper_cli import text


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (None, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (5_242_880, "5.2 MB"),
        (99_949_999, "99.9 MB"),
        (420_000_000, "420 MB"),
        (999_499_999, "999 MB"),
        (999_500_000, "1.0 GB"),
        (2**62, "4611686 TB"),
    ],
)
def test_sizes(size_bytes: int | None, shown: str) -> None:
    assert text.size(size_bytes) == shown


@pytest.mark.parametrize(
    ("span_s", "shown"),
    [
        (None, "–"),
        (-3, "0.0 s"),
        (0.44, "0.4 s"),
        (0.97, "1 s"),
        (1, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.7, "1 h 00 min"),
        (7800, "2 h 10 min"),
        (86_399.9, "1 d 0 h"),
        (273_600, "3 d 4 h"),
    ],
)
def test_spans(span_s: float | None, shown: str) -> None:
    assert text.span(span_s) == shown


@given(st.floats(0, 2.0**63))
def test_a_size_takes_at_most_ten_places(size_bytes: float) -> None:
    assert len(text.size(size_bytes)) <= 10


@given(st.text(max_size=300))
def test_a_clean_text_is_one_short_line_that_steers_nothing(given_text: str) -> None:
    shown = text.clean(given_text)
    assert len(shown) <= 200
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", shown)
    assert shown.encode() is not None
    assert text.clean(shown) == shown


@given(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=200))
def test_an_honest_name_stays_as_it_is(name: str) -> None:
    assert text.clean(name) == name


def test_times_are_local() -> None:
    at = datetime(2026, 11, 21, 8, 0, 5, tzinfo=UTC)
    assert text.moment(at) == at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert text.moment(None) == text.minute(None) == "–"
