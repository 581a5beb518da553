"""Time, names and dice of a world that has no chance in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from typing_extensions import override

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_TIME = 10
_ULID_RANDOM_BITS = 80


@dataclass(slots=True)
class Timer:
    """Something to be done once at a time; never again once it is stopped."""

    at: datetime
    action: Callable[[], None]
    is_stopped: bool = False


@dataclass(slots=True)
class VirtualClock:
    """Time that stands still until somebody moves it; timers that come due meanwhile run in order."""

    time: datetime = START
    timers: list[Timer] = field(default_factory=list)

    def now(self) -> datetime:
        return self.time.replace(microsecond=self.time.microsecond // 1000 * 1000)

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Have something done `seconds` from now, while `advance` passes that time."""
        timer = Timer(self.time + timedelta(seconds=seconds), action)
        self.timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        end = self.time + timedelta(seconds=seconds)
        while True:
            self.timers = [timer for timer in self.timers if not timer.is_stopped]
            due = [timer for timer in self.timers if timer.at <= end]
            if not due:
                break
            first = min(due, key=lambda timer: timer.at)
            first.is_stopped = True
            self.time = max(self.time, first.at)
            first.action()
        self.time = max(self.time, end)


@dataclass(slots=True, kw_only=True)
class SkewedClock(VirtualClock):
    """A machine's own clock, `skew` away from the true one, which alone moves it."""

    true: VirtualClock
    skew: timedelta

    @override
    def now(self) -> datetime:
        return self.true.now() + self.skew

    @override
    def advance(self, seconds: float) -> None:
        self.true.advance(seconds)


@dataclass(slots=True)
class MemoryPulse:
    """A heartbeat on virtual time: it beats while somebody lets that time pass."""

    clock: VirtualClock

    @contextmanager
    def beating(self, beat: Callable[[], float | None], *, first_s: float) -> Iterator[None]:
        timer: Timer

        def strike() -> None:
            nonlocal timer
            next_s = beat()
            if next_s is not None:
                timer = self.clock.after(next_s, strike)

        timer = self.clock.after(first_s, strike)
        try:
            yield
        finally:
            timer.is_stopped = True


@dataclass(slots=True)
class MemorySleeper:
    """Sleep on virtual time."""

    clock: VirtualClock

    def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)


@dataclass(slots=True)
class SeededIds:
    """Names that depend on nothing but the seed and the order in which they are asked for."""

    seed: int = 0
    given: int = 0

    def download(self, now: datetime) -> str:
        word, milliseconds = self._word(), int(now.timestamp() * 1000)
        # The counter comes first: ids of one millisecond rise, as the real ones do.
        random = self.given << (_ULID_RANDOM_BITS - 24) | word >> (256 - _ULID_RANDOM_BITS + 24)
        return _crockford(milliseconds, _ULID_TIME) + _crockford(random, 16)

    def nonce(self) -> str:
        return f"{self._word():064x}"[:12]

    def secret(self) -> str:
        return f"{self._word():064x}"

    def _word(self) -> int:
        self.given += 1
        return int.from_bytes(sha256(f"{self.seed}:{self.given}".encode()).digest())


def _crockford(number: int, digits: int) -> str:
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in reversed(range(digits)))


@dataclass(slots=True)
class SeededDice:
    """Rolls that depend on nothing but the seed and their number."""

    seed: int = 0
    rolled: int = 0

    def roll(self) -> float:
        self.rolled += 1
        return int.from_bytes(sha256(f"dice:{self.seed}:{self.rolled}".encode()).digest()[:6]) / 2**48
