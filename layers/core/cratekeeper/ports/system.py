"""The machine: time, names, dice, heartbeats, secrets and log lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from cratekeeper.domain.metrics import Measure


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """Aware UTC in whole milliseconds."""
        ...


class Ids(Protocol):
    """New names."""

    def download(self, now: datetime) -> str:
        """A root's id: a ULID of `now`, rising within a process."""
        ...

    def nonce(self) -> str:
        """A short random word that nobody else has."""
        ...

    def secret(self) -> str:
        """A random secret of at least 32 bytes, URL-safe."""
        ...


class Dice(Protocol):
    """Randomness for jitter."""

    def roll(self) -> float:
        """In [0, 1)."""
        ...


class Pulse(Protocol):
    """A heartbeat beside the work: it beats although the work is blocked in a read."""

    def beating(self, beat: Callable[[], float | None], *, first_s: float) -> AbstractContextManager[None]:
        """Call `beat` after `first_s` seconds, then each time after the seconds that it returned.

        Ends when `beat` returns None, and at the latest when the context ends: no beat runs after that.
        """
        ...


class Sleeper(Protocol):
    """Waiting for somebody else."""

    def sleep(self, seconds: float) -> None:
        """Return after the seconds."""
        ...


class Secrets(Protocol):
    """Secrets of the deployment."""

    def pepper(self) -> bytes:
        """The pepper of the key hashes."""
        ...


class Log(Protocol):
    """Structured log lines: one per outcome."""

    def info(self, action: str, **fields: object) -> None:
        """Something happened as it should."""
        ...

    def warning(self, action: str, **fields: object) -> None:
        """Something failed that the system heals by itself."""
        ...


class Metrics(Protocol):
    """Figures for dashboards and alarms. It never fails and never waits: a figure is a line of the log."""

    def emit(self, *measures: Measure) -> None:
        """Tell the values."""
        ...


class Tokens(Protocol):
    """Tokens that an identity provider signed."""

    def subject_of(self, token: str) -> str:
        """The user id that a valid token names. Raises Denied for every other one."""
        ...
