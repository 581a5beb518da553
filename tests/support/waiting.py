"""Waiting for what happens in other processes."""

import time
from collections.abc import Callable
from typing import Final, Literal, TypeVar

Found = TypeVar("Found")
PATIENCE_S: Final = 60.0
"""A machine that runs other things beside the tests takes its time."""


def until(found: Callable[[], Found | Literal[False] | None], within_s: float = PATIENCE_S) -> Found:
    """What `found` returns as soon as that is true. Raises AssertionError after so many seconds."""
    deadline = time.monotonic() + within_s
    while not (answer := found()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s"
        time.sleep(0.1)
    return answer
