"""Rate and time left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper_cli.pace import Pace, Sample

STEPS = st.lists(st.tuples(st.floats(0.1, 10), st.integers(0, 10**7), st.integers(0, 2)), max_size=60)


def seen(*samples: tuple[float, int, int]) -> Pace:
    pace = Pace()
    for at_s, size_bytes, ended in samples:
        pace = pace.after(Sample(at_s, size_bytes, ended))
    return pace


def test_nothing_is_claimed_before_it_is_known() -> None:
    assert seen().rate(5) is None
    assert seen((0, 0, 0)).rate(0.3) is None
    assert seen((0, 100, 0), (1, 200, 0)).left_s(1, total=4) is None


def test_rate_is_what_came_over_the_time_it_took() -> None:
    assert seen((0, 1000, 0), (2, 5000, 1)).rate(2) == 2000


def test_rate_falls_while_nothing_comes() -> None:
    pace = seen((0, 0, 0), (2, 4000, 1))
    assert pace.rate(4) == 1000
    assert pace.left_s(4, total=3) == pytest.approx(8)


def test_old_times_are_forgotten() -> None:
    fast_then_slow = seen((0, 0, 0), (1, 10**9, 1), (20, 10**9 + 1000, 1), (30, 10**9 + 2000, 1))
    assert fast_then_slow.rate(30) == pytest.approx(2000 / 29)


def test_what_shrinks_is_no_negative_rate() -> None:
    assert seen((0, 5000, 1), (1, 1000, 1)).rate(1) == 0
    assert seen((0, 5000, 1), (1, 1000, 1)).left_s(1, total=3) is None


@given(STEPS)
def test_memory_is_bounded_by_the_window(steps: list[tuple[float, int, int]]) -> None:
    at_s, size_bytes, ended, pace = 0.0, 0, 0, Pace()
    for wait_s, more, done in steps:
        at_s, size_bytes, ended = at_s + wait_s, size_bytes + more, ended + done
        pace = pace.after(Sample(at_s, size_bytes, ended))
        assert [known for known in pace.samples[1:] if known.at_s <= at_s - 15] == []
        left_s = pace.left_s(at_s, total=ended + 1)
        assert left_s is None or left_s >= 0
