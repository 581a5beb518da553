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
        raise TransferFailed(ErrorType.CONNECTION, f"more than {HEAD_BYTES} bytes of headers")


@contextmanager
def failures(watch: Watch, malformed: ErrorType) -> Iterator[None]:
    """Turn what a broken exchange raises into the watch's reason, if there is one, or into a TransferFailed.

    What is no HTTP counts as `malformed`: as `connection` before the body, as `corrupt` within it.
    """
    try:
        yield
    except TransferFailed as error:
        raise watch.error or error from None
    except h11.ProtocolError as error:
        raise watch.error or TransferFailed(malformed, f"no HTTP: {error}") from error
    except TimeoutError as error:
        raise watch.error or TransferFailed(ErrorType.TIMEOUT, "the provider does not take connections") from error
    # UnicodeError: a host name that DNS cannot spell.
    except (OSError, UnicodeError) as error:
        raise watch.error or TransferFailed(ErrorType.CONNECTION, str(error) or repr(error)) from error


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
