"""Bytes to send: kept whole, or made while they are sent, so that size costs no memory."""

import hashlib
from dataclasses import dataclass
from typing import Protocol


class Content(Protocol):
    """A body of `size_bytes` that can be read from anywhere."""

    @property
    def size_bytes(self) -> int:
        """How many bytes there are."""
        ...

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to, not including, `stop`; both within the size."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A body in memory."""

    body: bytes

    @property
    def size_bytes(self) -> int:
        """How many bytes there are."""
        return len(self.body)

    def read(self, start: int, stop: int) -> bytes:
        """See `Content.read`."""
        return self.body[start:stop]


@dataclass(frozen=True, slots=True)
class Looped:
    """A head, then `loop` again and again up to the size; `loop` must not be empty."""

    head: bytes
    loop: bytes
    size_bytes: int

    def read(self, start: int, stop: int) -> bytes:
        """See `Content.read`."""
        front = self.head[start:stop]
        return front + self._looped(start + len(front), stop)

    def _looped(self, start: int, stop: int) -> bytes:
        if start >= stop:
            return b""
        offset = (start - len(self.head)) % len(self.loop)
        length = stop - start
        rounds = -(-(offset + length) // len(self.loop))
        return (self.loop * rounds)[offset : offset + length]


@dataclass(frozen=True, slots=True)
class Media:
    """A file to serve; `etag` is a strong validator, quotes included."""

    content: Content
    content_type: str
    etag: str

    @classmethod
    def of(cls, body: bytes, content_type: str) -> "Media":
        """A file in memory, its ETag from the SHA-256 of its bytes."""
        return cls(Whole(body), content_type, etag_of(body))


def etag_of(*parts: bytes) -> str:
    """A strong ETag for what these bytes determine."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return f'"{digest.hexdigest()[:40]}"'
