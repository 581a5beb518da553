"""Retries: one track that fails in every way, is lost, paused and tried again, on the worker's own path."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from cratekeeper.domain.actions import Action
from cratekeeper.domain.errors import TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import key_of
from cratekeeper.domain.models import Download, Kind
from cratekeeper.domain.retry import RetryPolicy
from cratekeeper.domain.states import State
from tests.contract.machines.sides import Answer, Compared, Side
from tests.support.crash import Killed
from tests.support.crate import ADMIN, ALICE, Crate, Knobs

FIRST_S, MULTIPLIER, MOST_S = 60.0, 2.0, 300.0
MOST_RETRIES: Final = 3
MOST_BUSY: Final = 50
MOST_CORRUPT: Final = 2
MOST_LOST: Final = 5
KNOBS: Final = Knobs(
    policy=RetryPolicy(initial_s=FIRST_S, max_s=MOST_S, multiplier=MULTIPLIER), max_retries=MOST_RETRIES
)
LEASE_S: Final = 60

FOR_GOOD: Final = (ErrorType.NOT_FOUND, ErrorType.REJECTED)
failures = st.sampled_from([each for each in ErrorType if each is not ErrorType.LOST])
afters = st.sampled_from([None, None, None, 0.0, 7.0, 90_000.0])
"""What the provider asks for: nothing, too little, something, more than a day."""


class Retries(Compared):
    """What a single download may do with its attempts, counted in plain numbers."""

    def __init__(self, sides: Sequence[Side]) -> None:
        super().__init__(sides)
        self.tracks = 0
        self.id = self.track = ""
        self.state = State.PENDING
        self.next_at: datetime | None = None
        self.lapses_at: datetime | None = None
        self.error: ErrorType | None = None
        self.retries = self.busy = self.corrupt = self.lost = self.attempts = self.round = 0

    @property
    def now(self) -> datetime:
        """The same on every side."""
        return self.sides[0].world.clock.now()

    @initialize()
    def ask_for_a_track(self) -> None:
        self.tracks += 1
        name = f"track {self.tracks}"
        for side in self.sides:
            self.track = side.world.provider.add_track(name).id
        self.id = self.ask(lambda side: side.crate(KNOBS).request(self.track, kind=Kind.TRACK)).value.id
        self.state, self.next_at, self.lapses_at, self.error = State.PENDING, None, None, None
        self.attempts = self.round = 0
        self.begin_anew()

    def begin_anew(self) -> None:
        """Nothing has gone wrong yet."""
        self.retries = self.busy = self.corrupt = self.lost = 0

    def may_run(self) -> bool:
        """PENDING, due, or with a lapsed lease."""
        match self.state:
            case State.PENDING:
                return True
            case State.RETRY_WAITING:
                return self.next_at is not None and self.next_at <= self.now
            case State.IN_PROGRESS:
                return self.lapses_at is not None and self.lapses_at < self.now
            case _:
                return False

    def claimed(self) -> bool:
        """What a delivery finds: False where there is nothing to do; a sixth lost worker ends it."""
        if not self.may_run():
            return False
        if self.state is State.IN_PROGRESS:
            if self.lost == MOST_LOST:
                self.state, self.error = State.FAILED, ErrorType.LOST
                return False
            self.lost += 1
        self.attempts += 1
        self.state, self.next_at = State.IN_PROGRESS, None
        return True

    def fail(self, kind: ErrorType, after_s: float | None) -> tuple[float, float] | None:
        """What a failed attempt counts, and between which waits the next may come; None = it was the last."""
        spends = kind not in (*FOR_GOOD, ErrorType.BUSY)
        steps = self.busy if kind is ErrorType.BUSY else self.retries
        is_last = kind in FOR_GOOD or (spends and self.retries == MOST_RETRIES)
        is_last = is_last or (kind is ErrorType.CORRUPT and self.corrupt == MOST_CORRUPT)
        is_last = is_last or (kind is ErrorType.BUSY and self.busy == MOST_BUSY)
        self.error = kind
        if is_last:
            self.state = State.FAILED
            return None
        self.state = State.RETRY_WAITING
        self.retries += spends
        self.busy = self.busy + 1 if kind is ErrorType.BUSY else 0
        self.corrupt += kind is ErrorType.CORRUPT
        longest = min(MOST_S, FIRST_S * MULTIPLIER**steps)
        if after_s is not None:
            longest = min(86_400.0, max(1.0, after_s))
            return longest, longest
        return 0.8 * longest, longest

    def deliver(self) -> Answer:
        """A message for the download."""
        return self.ask(lambda side: _worked(side.crate(KNOBS), self.id))

    def pass_time(self, seconds: float) -> None:
        for side in self.sides:
            side.world.clock.advance(seconds)

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.pass_time(seconds)

    @rule()
    def wait_until_due(self) -> None:
        """T-10: to the very moment."""
        if self.state is State.RETRY_WAITING and self.next_at:
            self.pass_time(max(0.0, (self.next_at - self.now).total_seconds()))

    @rule(kind=failures, after_s=afters)
    def attempt_fails(self, kind: ErrorType, after_s: float | None) -> None:
        """R-06 to R-08, R-15, T-05, T-06."""
        self.failing(kind, after_s)

    @rule(count=st.sampled_from([2, 2, 2, 2, 51]))
    def is_busy_for_long(self, count: int) -> None:
        """X-09: it spends no retry, up to fifty in a row; a row so long would take too long over a wire."""
        for _ in range(count if len(self.sides) == 1 else 2):
            self.wait_until_due()
            self.failing(ErrorType.BUSY, 1.0)

    def failing(self, kind: ErrorType, after_s: float | None) -> None:
        """One delivery; the provider fails if it is asked."""
        for side in self.sides:
            failure = TransferFailed(kind, "no", retry_after_s=after_s)
            side.world.provider.failures["audio", self.track] = [failure]
        began = self.now
        self.deliver()
        if not self.claimed():
            self.look()
            return
        bounds = self.fail(kind, after_s)
        item = self.look()
        if bounds is None:
            assert item.next_retry_at is None
        else:
            assert item.next_retry_at
            self.next_at = item.next_retry_at
            wait_s = (self.next_at - began).total_seconds()
            assert bounds[0] - 0.001 <= wait_s <= bounds[1] + 0.001, f"waits {wait_s} s, not within {bounds}"

    @rule()
    def attempt_succeeds(self) -> None:
        """T-04: errors of earlier attempts are cleared."""
        for side in self.sides:
            side.world.provider.failures.clear()
        self.deliver()
        if self.claimed():
            self.state, self.error, self.busy = State.COMPLETED, None, 0
        self.look()

    @rule()
    def worker_dies(self) -> None:
        """I-07: a lost lease spends none of the retries, and five are the most."""
        for side in self.sides:
            side.world.provider.kill = _die
            side.world.provider.failures.clear()
            side.world.provider.sources[self.track].is_deadly = True
        self.deliver()
        for side in self.sides:
            side.world.provider.sources[self.track].is_deadly = False
        if self.claimed():
            self.lapses_at = self.now + timedelta(seconds=LEASE_S)
        self.look()

    @rule(action=st.sampled_from([Action.PAUSE, Action.RESUME, Action.CANCEL]))
    def steer(self, action: Action) -> None:
        """X-01, X-03, X-04: none of them spends anything."""
        answer = self.ask(lambda side: side.crate(KNOBS).steer.act(self.id, action, caller=ALICE))
        ends = self.state in {State.COMPLETED, State.FAILED, State.CANCELLED}
        allowed = {
            Action.PAUSE: not ends and self.state is not State.PAUSED,
            Action.RESUME: self.state is State.PAUSED,
            Action.CANCEL: not ends,
        }[action]
        assert answer.error == ("" if allowed else "InvalidState")
        if allowed:
            states = {Action.PAUSE: State.PAUSED, Action.RESUME: State.PENDING, Action.CANCEL: State.CANCELLED}
            self.state, self.next_at = states[action], None
            self.round += action is Action.RESUME
        self.look()

    @rule(is_forced=st.booleans())
    def retry(self, *, is_forced: bool) -> None:
        """R-13, T-17: explicit retries begin anew; `attempts` counts on."""
        answer = self.ask(lambda side: side.crate(KNOBS).steer.retry(self.id, caller=ADMIN, force=is_forced))
        states = {State.FAILED, State.CANCELLED}
        states |= {State.RETRY_WAITING, State.IN_PROGRESS} if is_forced else set()
        assert answer.error == ("" if self.state in states else "InvalidState")
        if self.state in states:
            self.state, self.next_at, self.error = State.PENDING, None, None
            self.round += 1
            self.begin_anew()
        self.look()

    @rule()
    def ask_for_another(self) -> None:
        """Once the track has ended for good."""
        if self.state is State.COMPLETED:
            self.ask_for_a_track()

    def look(self) -> Download:
        """The item as it is stored is the model's."""
        key = key_of(self.id)
        item: Download = self.ask(lambda side: side.store.get(key)).value[key]
        counts = (item.retry_count, item.busy_count, item.corrupt_count, item.lease_losses, item.attempts, item.round)
        told = (self.retries, self.busy, self.corrupt, self.lost, self.attempts, self.round)
        assert (item.state, item.error_type, *counts) == (self.state, self.error, *told)
        assert item.epoch == item.attempts
        if self.state is State.IN_PROGRESS:
            self.lapses_at = item.lease_until
        return item

    @invariant()
    def what_must_hold(self) -> None:
        """I21."""
        assert self.retries <= MOST_RETRIES
        assert self.busy <= MOST_BUSY
        assert self.corrupt <= MOST_CORRUPT
        assert self.lost <= MOST_LOST


def _worked(crate: Crate, download_id: str) -> Any:
    try:
        return crate.work(download_id)
    except Killed:
        return "killed"


def _die() -> None:
    raise Killed
