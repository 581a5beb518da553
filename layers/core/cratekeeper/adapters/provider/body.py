"""The bytes of one answer (`Body`)."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from cratekeeper.adapters.provider.exchange import Answer
from cratekeeper.adapters.provider.verdict import failures
from cratekeeper.adapters.provider.watch import Watch
from cratekeeper.domain.errors import TransferFailed
from cratekeeper.domain.failures import ErrorType

_PARTIAL: Final = 206
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)

_VALIDATOR: Final = re.compile(r'"[!#-~]{0,200}"')
"""A strong ETag: a weak one does not promise equal bytes (RFC 9110, 13.1.5). It is stored, so it is short."""


class HttpBody:
    """What an answer says of its bytes, and the bytes as they come.

    The request is sent when one of the attributes or `chunks` first asks for the answer, so that
    `abort` works from before the connection on. Every one of them raises TransferFailed, or what
    `abort` was told.
    """

    def __init__(self, answer: Callable[[], Answer], watch: Watch, *, asked: int) -> None:
        self._ask = answer
        self._answered: Answer | None = None
        self._watch = watch
        self._asked = asked

    @property
    def _answer(self) -> Answer:
        # No cached_property: up to Python 3.11 all objects of a class wait for one another in it.
        if self._answered is None:
            self._answered = self._ask()
        return self._answered

    @property
    def content_type(self) -> str:
        """As declared, "" if it is not."""
        return self._answer.headers.get("content-type", "")

    @property
    def etag(self) -> str | None:
        """The strong validator, if there is one."""
        etag = self._answer.headers.get("etag", "")
        return etag if _VALIDATOR.fullmatch(etag) else None

    @property
    def is_framed(self) -> bool:
        """Whether a length or chunks tell where the bytes end."""
        return not self._answer.headers.keys().isdisjoint({"content-length", "transfer-encoding"})

    @property
    def offset(self) -> int:
        """Of the first byte to come."""
        return self._span[0]

    @property
    def length(self) -> int | None:
        """Declared size of the whole file, None if it is not."""
        return self._span[1]

    @property
    def _span(self) -> tuple[int, int | None]:
        """Offset of the first byte to come and size of the whole file: all from what was asked on."""
        length = self._answer.length
        if self._answer.status != _PARTIAL:
            return 0, length
        match = _CONTENT_RANGE.fullmatch(self._answer.headers.get("content-range", ""))
        if match is None:
            raise TransferFailed(ErrorType.CORRUPT, "206 without a valid Content-Range")
        first, last, total = (int(each) for each in match.groups())
        is_the_rest = first == self._asked and first <= last == total - 1
        if not is_the_rest or length not in {None, total - first}:
            raise TransferFailed(ErrorType.CORRUPT, f"asked from byte {self._asked}, got {match[0]}")
        return first, total

    def chunks(self) -> Iterator[bytes]:
        """The bytes in the pieces that arrive."""
        with failures(self._watch, ErrorType.CORRUPT):
            yield from self._watch.metered(self._answer.chunks())

    def abort(self, error: Exception) -> None:
        """End the exchange from another thread, whatever it is blocked in."""
        self._watch.abort(error)
