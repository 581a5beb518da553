"""What an answer that is no success counts as, and what a broken exchange does."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import h11

from cratekeeper.adapters.provider.exchange import HEAD_BYTES, Answer
from cratekeeper.adapters.provider.watch import Watch
from cratekeeper.domain.errors import TransferFailed
from cratekeeper.domain.failures import ErrorType, of_status

LONGEST_WAIT_S: Final = 10**9
"""Above it a Retry-After only has to stay a number: the policy clamps it to a day."""


def check(answer: Answer, *, now: datetime) -> None:
    """Refuse errors, coded bodies and oversized heads. Raises TransferFailed."""
    after = answer.headers.get("retry-after")
    kind = of_status(answer.status, has_retry_after=after is not None)
    if kind is not None:
        raise TransferFailed(
            kind, f"the provider answered {answer.status}", retry_after_s=_seconds(after, now=now) if after else None
        )
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise TransferFailed(ErrorType.CORRUPT, "a coded body, although identity was asked for")
    if answer.headers.keys() >= {"content-length", "transfer-encoding"}:
        raise TransferFailed(ErrorType.CORRUPT, "both a length and a transfer coding")
    if answer.head_bytes > HEAD_BYTES:
        raise TransferFailed(ErrorType.CORRUPT, f"more than {HEAD_BYTES} bytes of headers")


@contextmanager
def failures(watch: Watch) -> Iterator[None]:
    """Turn what a socket or h11 raises into the watch's reason, or into a TransferFailed."""
    try:
        yield
    # UnicodeError: a host name that DNS cannot spell.
    except (OSError, h11.ProtocolError, UnicodeError) as error:
        raise watch.error or _failure_of(error) from error


def _failure_of(error: Exception) -> TransferFailed:
    """The class of a broken exchange: a body cut short is `corrupt`, an answer that never came `connection`."""
    text = str(error) or repr(error)
    if isinstance(error, TimeoutError):
        return TransferFailed(ErrorType.TIMEOUT, f"the provider does not take connections: {text}")
    if isinstance(error, h11.ProtocolError) and ("message body" in text or "chunk" in text):
        return TransferFailed(ErrorType.CORRUPT, f"the body is cut short or broken: {text}")
    return TransferFailed(ErrorType.CONNECTION, text)


def _seconds(retry_after: str, *, now: datetime) -> float | None:
    """A Retry-After in seconds, from a number or an HTTP date; None if it is neither."""
    digits = retry_after.strip()
    if digits.isascii() and digits.isdecimal():
        return float(min(int(digits[:12]), LONGEST_WAIT_S))
    try:
        at = parsedate_to_datetime(digits)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
