"""A body that arrives in pieces, read by a parser as if it were a file.

A parser is a generator: where a file would block it yields, and is resumed when more bytes are
there. How the body was cut into pieces can therefore not change what a parser sees. Only
`WINDOW` bytes and what one read asks for are kept; skipping is arithmetic.
"""

from collections.abc import Generator
from typing import Final, TypeAlias, TypeVar

from cratekeeper.domain.media.types import CorruptMedia

T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]
"""Code that yields while it waits for bytes, and returns a T."""

WINDOW: Final = 32 * 1024
"""Bytes copied from a piece at a time; with a read (at most as much) the state is within 64 KiB."""

_NOTHING: Final = memoryview(b"")


class Stream:
    """The bytes of one body. Whoever owns it pushes pieces; one parser reads."""

    __slots__ = ("_at", "_ended", "_piece", "_window", "is_framed", "offset")

    def __init__(self, *, is_framed: bool) -> None:
        self.is_framed = is_framed
        """Whether length or chunks say where the body ends; if not, the format itself must."""
        self.offset = 0
        """Bytes read and skipped so far."""
        self._window = b""
        self._at = 0
        self._piece = _NOTHING
        self._ended = False

    def push(self, piece: bytes) -> None:
        """Give the next piece; the parser must have used up the one before."""
        self._piece = memoryview(piece)

    def end(self) -> None:
        """Say that no piece follows: from now on reads come back short instead of waiting."""
        self._ended = True

    def release(self) -> None:
        """Let go of all bytes; no more reads."""
        self._window, self._piece = b"", _NOTHING

    def peek(self, size: int) -> Steps[bytes]:
        """The next `size` bytes (at most `WINDOW`) without passing them; fewer at the end."""
        while len(self._window) - self._at < size and (yield from self._more()):
            pass
        return self._window[self._at : self._at + size]

    def read(self, size: int) -> Steps[bytes]:
        """The next `size` bytes (at most `WINDOW`); fewer at the end."""
        found = yield from self.peek(size)
        self._pass(len(found))
        return found

    def take(self, size: int) -> Steps[bytes]:
        """The next `size` bytes (at most `WINDOW`). Raises CorruptMedia if the body ends before."""
        found = yield from self.read(size)
        if len(found) < size:
            raise CorruptMedia(f"cut short after {self.offset} bytes")
        return found

    def skip(self, size: int) -> Steps[None]:
        """Pass `size` bytes unseen. Raises CorruptMedia if the body ends before."""
        left = size - self._pass(min(size, len(self._window) - self._at))
        while left:
            if not self._piece and not (yield from self._wait()):
                raise CorruptMedia(f"cut short after {self.offset} bytes")
            step = min(left, len(self._piece))
            self._piece = self._piece[step:]
            self.offset += step
            left -= step

    def seek(self, pattern: bytes) -> Steps[bool]:
        """Go to the next `pattern` at or after this place; False, at the end, if there is none."""
        while True:
            found = self._window.find(pattern, self._at)
            if found >= 0:
                self._pass(found - self._at)
                return True
            # The window may end within a match.
            self._pass(max(0, len(self._window) - self._at - len(pattern) + 1))
            if not (yield from self._more()):
                self._pass(len(self._window) - self._at)
                return False

    def _pass(self, size: int) -> int:
        self._at += size
        self.offset += size
        return size

    def _more(self) -> Steps[bool]:
        """Widen the window from the piece, waiting for one; False at the end."""
        if not self._piece and not (yield from self._wait()):
            return False
        self._window = self._window[self._at :] + self._piece[:WINDOW]
        self._at = 0
        self._piece = self._piece[WINDOW:] if len(self._piece) > WINDOW else _NOTHING
        return True

    def _wait(self) -> Steps[bool]:
        """Wait for a piece that is not empty; False at the end."""
        self._piece = _NOTHING
        while not self._piece:
            if self._ended:
                return False
            yield
        return True


def check_start(found: bytes, signature: bytes, name: str, *, at: int = 0) -> None:
    """Raise CorruptMedia, quoting what is there instead, unless `found` has the `signature`."""
    if found[at : at + len(signature)] != signature:
        raise CorruptMedia(f"no {name} at the start but {found!r}")
