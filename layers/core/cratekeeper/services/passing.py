"""Bytes on their way: verified while they pass, and cut into the parts of an upload."""

import hashlib
from collections.abc import Iterator
from io import BytesIO
from typing import NamedTuple

from cratekeeper.domain.media import Inspector
from cratekeeper.domain.models import Media


class Verifier:
    """Counts, hashes and inspects bytes as they pass."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._digest = hashlib.sha256()

    def verified(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same bytes; the last chunk comes only once the whole is known to be good."""
        last = b""
        for chunk in chunks:
            self._inspector.feed(chunk)
            self._digest.update(chunk)
            if last:
                yield last
            last = chunk
        self._inspector.finish()
        yield last

    def media(self, key: str) -> Media:
        """What was verified, under its key; CorruptMedia if not all of it has passed."""
        found = self._inspector.finish()
        return Media(
            key=key, size_bytes=found.size_bytes, sha256=self._digest.hexdigest(), content_type=found.content_type
        )


class Piece(NamedTuple):
    """Some bytes, and whether they are the last."""

    body: bytes
    is_last: bool


def pieces(chunks: Iterator[bytes], size_bytes: int) -> Iterator[Piece]:
    """The bytes in pieces of a size, the last one as it comes; one is given once it is known whether it is the last."""
    held = BytesIO()
    for chunk in chunks:
        rest = memoryview(chunk)
        while held.tell() + len(rest) > size_bytes:
            room = size_bytes - held.tell()
            held.write(rest[:room])
            # The buffer itself, not a copy of it: a piece is in memory once.
            yield Piece(held.getvalue(), is_last=False)
            held, rest = BytesIO(), rest[room:]
        held.write(rest)
    yield Piece(held.getvalue(), is_last=True)
