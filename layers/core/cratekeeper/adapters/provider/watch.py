"""A deadline and a minimum rate that hold although the reader is blocked.

Sockets time out per read: a server that sends a byte a second never trips them. So a thread of its
own watches the whole exchange and, when it is over, shuts the socket down; whatever was blocked on
it (connecting, the head, the body) then ends at once.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from cratekeeper.domain.errors import TransferFailed
from cratekeeper.domain.failures import ErrorType

MIN_BYTES_PER_S: Final = 1024
"""A body slower than this is given up, and tried again later."""

WINDOW_S: Final = 20.0
"""The minimum rate is judged over windows of this length."""


class Watch:
    """Bounds one exchange; a context manager around it.

    Args:
        deadline_s: seconds for the whole exchange.
        window_s: seconds over which the rate is judged.
    """

    def __init__(self, deadline_s: float, *, window_s: float = WINDOW_S) -> None:
        self.error: Exception | None = None
        self._deadline_s = deadline_s
        self._window_s = window_s
        self._received = 0
        self._awaits_bytes = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="provider-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        with self._lock:
            self._release()

    def guard(self, connection: socket.socket) -> None:
        """Watch this socket, before it connects, in place of the one before.

        Raises the reason if the exchange is over already.
        """
        with self._lock:
            self._release()
            if self.error:
                raise self.error
            # A handle of our own: TLS takes the socket out of the object that it wraps.
            self._socket = connection.dup()

    def metered(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The pieces of the body, counted; raises the reason once the exchange is over.

        Only time spent waiting for a piece counts as slowness, not what the taker does with it.
        """
        self._awaits_bytes = True
        for piece in pieces:
            self._awaits_bytes = False
            self._received += len(piece)
            # After a shutdown TLS may hand out what it could not decrypt.
            if self.error:
                raise self.error
            yield piece
            self._awaits_bytes = True
        if self.error:
            raise self.error

    def abort(self, error: Exception) -> None:
        """End the exchange with `error`; the first reason stays."""
        with self._lock:
            self.error = self.error or error
            if self._socket:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _release(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def _watch(self) -> None:
        ends = time.monotonic() + self._deadline_s
        window_ends, seen, awaited = time.monotonic() + self._window_s, 0, False
        while not self._over.wait(max(0.0, min(ends, window_ends) - time.monotonic())):
            now = time.monotonic()
            if now >= ends:
                self.abort(TransferFailed(ErrorType.TIMEOUT, f"no whole answer within {self._deadline_s:g} s"))
                return
            if now >= window_ends:
                least = MIN_BYTES_PER_S * self._window_s
                if awaited and self._awaits_bytes and self._received - seen < least:
                    self.abort(TransferFailed(ErrorType.TIMEOUT, f"slower than {MIN_BYTES_PER_S} bytes/s"))
                    return
                window_ends, seen, awaited = now + self._window_s, self._received, self._awaits_bytes
