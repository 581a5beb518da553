"""The only place that reads the clock, rolls dice and makes ids; and the heartbeat beside the work."""

import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread
from typing import Final

from ulid import ULIDGenerator

NONCE_BYTES: Final = 9
SECRET_BYTES: Final = 32

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SystemClock:
    """The port `Clock`: the machine's time, cut to what the tables keep."""

    def now(self) -> datetime:
        """Aware UTC in whole milliseconds."""
        moment = datetime.now(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class SystemIds:
    """The port `Ids`. Ids of one millisecond count up; a clock that steps back does not take them along."""

    def __init__(self) -> None:
        self._ulids = ULIDGenerator()
        self._lock = Lock()
        self._last_ms = 0

    def download(self, now: datetime) -> str:
        """A ULID of `now`, above every earlier one of this process."""
        with self._lock:
            self._last_ms = max(self._last_ms, (now - _EPOCH) // timedelta(milliseconds=1))
            return str(self._ulids.generate(self._last_ms))

    def nonce(self) -> str:
        """Twelve characters of 72 random bits."""
        return secrets.token_urlsafe(NONCE_BYTES)

    def secret(self) -> str:
        """Forty-three characters of 256 random bits."""
        return secrets.token_urlsafe(SECRET_BYTES)


class SystemDice:
    """The port `Dice`, from the system's entropy: functions started from one snapshot roll apart."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def roll(self) -> float:
        """In [0, 1)."""
        return self._random.random()


class SystemSleeper:
    """The port `Sleeper`."""

    def sleep(self, seconds: float) -> None:
        """Put the thread to sleep."""
        time.sleep(seconds)


class ThreadPulse:
    """The port `Pulse`: a thread of its own, so that it beats although the work is blocked in a read."""

    @contextmanager
    def beating(self, beat: Callable[[], float | None], *, first_s: float) -> Iterator[None]:
        """Beat until the context ends; the end waits for a beat that has begun.

        What a beat raises ends the beating and flies on from the context, unless the work itself
        raised.
        """
        beats = _Beats(beat)
        # A daemon: a function that is torn down does not wait for its heartbeat.
        thread = Thread(target=beats.run, args=(first_s,), name="pulse", daemon=True)
        thread.start()
        try:
            yield
        finally:
            beats.ended.set()
            thread.join()
        if beats.error:
            raise beats.error


@dataclass(slots=True)
class _Beats:
    """What the thread does, and what came of it."""

    beat: Callable[[], float | None]
    ended: Event = field(default_factory=Event)
    error: Exception | None = None

    def run(self, first_s: float) -> None:
        wait_s: float | None = first_s
        while wait_s is not None and not self.ended.wait(wait_s):
            try:
                wait_s = self.beat()
            except Exception as error:  # noqa: BLE001 - carried over to the thread that works
                self.error = error
                return
