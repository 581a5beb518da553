"""One table: what an answer of the provider, or a fault of ours, counts as."""

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Final


class ErrorType(StrEnum):
    """The class of a failure; the values are those of the HTTP contract."""

    CONNECTION = "connection"
    TIMEOUT = "timeout"
    NOT_FOUND = "not_found"
    REJECTED = "rejected"
    BUSY = "busy"
    PARSE = "parse"
    CORRUPT = "corrupt"
    STORAGE = "storage"
    UNKNOWN = "unknown"
    LOST = "lost"
    """The lease lapsed too often: the item seems to kill its workers."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How a class of failure is retried.

    Args:
        retries: whether another attempt may follow at all.
        spends: whether the attempt counts towards `max_retries`.
        cap: further bound on failures of this class alone; None = only `max_retries`.

    """

    retries: bool
    spends: bool
    cap: int | None = None


RULES: Final = MappingProxyType({
    ErrorType.CONNECTION: Rule(retries=True, spends=True),
    ErrorType.TIMEOUT: Rule(retries=True, spends=True),
    ErrorType.NOT_FOUND: Rule(retries=False, spends=False),
    ErrorType.REJECTED: Rule(retries=False, spends=False),
    ErrorType.BUSY: Rule(retries=True, spends=False, cap=50),
    ErrorType.PARSE: Rule(retries=True, spends=True),
    ErrorType.CORRUPT: Rule(retries=True, spends=True, cap=2),
    ErrorType.STORAGE: Rule(retries=True, spends=True),
    ErrorType.UNKNOWN: Rule(retries=True, spends=True),
    ErrorType.LOST: Rule(retries=False, spends=False),
})

MAX_LEASE_LOSSES: Final = 5
"""Lost leases after which an item fails as `lost`: it would kill workers for ever."""

_SUCCESSES: Final = range(200, 300)
_SERVER_FAULTS: Final = range(500, 600)
_BY_STATUS: Final = MappingProxyType({
    400: ErrorType.REJECTED,
    401: ErrorType.REJECTED,
    403: ErrorType.REJECTED,
    404: ErrorType.NOT_FOUND,
    405: ErrorType.REJECTED,
    410: ErrorType.NOT_FOUND,
    429: ErrorType.BUSY,
    504: ErrorType.TIMEOUT,
})


def of_status(status: int, *, has_retry_after: bool) -> ErrorType | None:
    """The class of an HTTP status; None for a success (2xx).

    503 is `busy` only where the provider says when to come back.
    """
    if status in _SUCCESSES:
        return None
    if status == HTTPStatus.SERVICE_UNAVAILABLE and has_retry_after:
        return ErrorType.BUSY
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return ErrorType.CONNECTION if status in _SERVER_FAULTS else ErrorType.UNKNOWN
