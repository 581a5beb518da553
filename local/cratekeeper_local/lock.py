"""One stack per data folder: a lock that the kernel gives back when its holders are gone."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cratekeeper_local.errors import USAGE, LocalStackError

# Longer than the remains of a killed stack take to notice that they are orphans.
PATIENCE_S: Final = 3.0
_PAUSE_S: Final = 0.05


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Hold the lock file `path`, which then names this process; gives its descriptor.

    Raises LocalStackError if another process still holds it after PATIENCE_S.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _taken_within(descriptor, PATIENCE_S):
            raise LocalStackError(f"another stack (process {_holder(path)}) uses {path.parent}", USAGE)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def holder_of(path: Path) -> int | None:
    """The process that holds the lock file `path`, None if none does."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        if _taken(descriptor):
            return None
        return _holder(path)
    finally:
        os.close(descriptor)


def _holder(path: Path) -> int:
    try:
        return int(path.read_text("utf-8").strip() or 0)
    except (OSError, ValueError):
        return 0


def _taken_within(descriptor: int, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while not _taken(descriptor):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)
    return True


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
