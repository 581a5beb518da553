"""Whether and when a failed attempt is followed by another."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cratekeeper.domain.failures import RULES, ErrorType

JITTER: Final = 0.2
"""A wait is at most this share shorter than the backoff, so that retries spread but never come late."""

MIN_RETRY_AFTER_S: Final = 1.0
MAX_RETRY_AFTER_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Counts:
    """How often an item has failed so far, before the failure in hand."""

    retries: int = 0
    busy: int = 0
    corrupt: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt: its class, and the wait in seconds that the provider asked for (None = it did not)."""

    error_type: ErrorType
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Wait until `at`, then try again with these counts."""

    at: datetime
    counts: Counts


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further attempt follows; the counts stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential backoff with a cap: min(max_s, initial_s * multiplier ** n), jittered downwards.

    Args:
        initial_s: first wait in seconds, >= 0.
        max_s: longest wait in seconds, >= 0.
        multiplier: growth per retry, >= 1.

    """

    initial_s: float = 60.0
    max_s: float = 3600.0
    multiplier: float = 2.0

    def backoff_s(self, retry: int) -> float:
        """The wait before retry `retry` + 1 without jitter; saturates at `max_s` for any `retry` >= 0."""
        try:
            return min(self.max_s, self.initial_s * self.multiplier**retry)
        except OverflowError:
            return self.max_s if self.initial_s else 0.0

    def wait_s(self, retry: int, *, dice: float) -> float:
        """The wait with jitter: in ((1 - JITTER) * backoff, backoff] for dice in [0, 1)."""
        return self.backoff_s(retry) * (1 - JITTER * dice)

    def decide(
        self, failure: Failure, counts: Counts, *, max_retries: int, now: datetime, dice: float
    ) -> RetryAt | GiveUp:
        """What follows a failure.

        Args:
            failure: its class (`failures.RULES`), and what the provider asked for: clamped to 1 s .. 24 h.
            counts: failures before this one.
            max_retries: extra attempts allowed.
            now: when the attempt ended.
            dice: in [0, 1), for the jitter.
        """
        error_type = failure.error_type
        rule = RULES[error_type]
        if not rule.retries or (rule.spends and counts.retries >= max_retries):
            return GiveUp()
        after = _counted(error_type, counts, spends=rule.spends)
        if rule.cap is not None and _of_class(error_type, after) > rule.cap:
            return GiveUp()
        steps = counts.busy if error_type is ErrorType.BUSY else counts.retries
        wait_s = self.wait_s(steps, dice=dice)
        if failure.retry_after_s is not None:
            wait_s = min(MAX_RETRY_AFTER_S, max(MIN_RETRY_AFTER_S, failure.retry_after_s))
        return RetryAt(now + timedelta(milliseconds=round(wait_s * 1000)), after)


def _counted(error_type: ErrorType, counts: Counts, *, spends: bool) -> Counts:
    """The counts after one more failure; `busy` counts in a row, so any other failure ends the row."""
    return Counts(
        retries=counts.retries + spends,
        busy=counts.busy + 1 if error_type is ErrorType.BUSY else 0,
        corrupt=counts.corrupt + (error_type is ErrorType.CORRUPT),
    )


def _of_class(error_type: ErrorType, counts: Counts) -> int:
    return counts.busy if error_type is ErrorType.BUSY else counts.corrupt
