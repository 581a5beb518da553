"""One GET on a connection of its own: HTTP/1.1 by h11, on a socket that a watch can shut down.

An HTTP client hides that socket, times out per read, bounds no head, and spends 0.9 CPU seconds on
a gigabyte where the bare socket takes 0.2.
"""

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult, quote

import h11

from cratekeeper.adapters.provider.watch import Watch
from cratekeeper.domain.errors import TransferFailed
from cratekeeper.domain.failures import ErrorType

HEAD_BYTES: Final = 64 * 2**10
PIECE_BYTES: Final = 256 * 2**10
INTERIM_ANSWERS: Final = 100
"""Most answers of the class 1xx before the real one."""

CONNECT_S: Final = 10.0
"""For each address of the name: one that is silent must not use up the time of the next."""

PORTS: Final = MappingProxyType({"http": 80, "https": 443})
_WITH_BYTES: Final = frozenset({200, 206})
_KEPT: Final = "/%:@!$&'()*+,;=~?"
"""What stays as it is in a path or query, beside letters and digits."""


class Answer:
    """The head of an answer; its body is still to come.

    status: of HTTP; headers: by lower-case name, repeated ones joined by a comma;
    length: declared bytes of this body, None = none declared; head_bytes: size of the headers.
    """

    def __init__(self, connection: socket.socket, http: h11.Connection) -> None:
        self._connection = connection
        self._http = http
        head = self._head()
        self.status = head.status_code
        self.headers: dict[str, str] = {}
        for name, value in head.headers:
            key, text = name.decode(), value.decode("latin-1")
            self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text
        self.head_bytes = sum(len(name) + len(value) for name, value in head.headers)
        declared = self.headers.get("content-length")
        self.length = None if declared is None else int(declared)

    def chunks(self) -> Iterator[bytes]:
        """The bytes in the pieces that arrive. Raises TransferFailed, OSError, h11.ProtocolError."""
        if self.length is None or self.status not in _WITH_BYTES:
            return self._parsed()
        return self._counted(self.length)

    def _head(self) -> h11.Response:
        for _ in range(INTERIM_ANSWERS):
            if isinstance(event := self._next(), h11.Response):
                return event
        raise TransferFailed(ErrorType.CONNECTION, f"no final answer among the first {INTERIM_ANSWERS}")

    def _counted(self, left: int) -> Iterator[bytes]:
        """A body of known length, straight from the socket: h11 would copy it twice more."""
        piece, _ = self._http.trailing_data
        while True:
            left -= len(piece)
            if left < 0:
                raise TransferFailed(ErrorType.CORRUPT, "the body is longer than declared")
            if piece:
                yield piece
            if not left:
                return
            piece = self._connection.recv(PIECE_BYTES)
            if not piece:
                raise TransferFailed(ErrorType.CORRUPT, f"the body ended {left} bytes before its declared end")

    def _parsed(self) -> Iterator[bytes]:
        while isinstance(event := self._next(), h11.Data):
            yield bytes(event.data)

    def _next(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """What comes next; never NEED_DATA."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(self._connection.recv(PIECE_BYTES))
        return event


@contextmanager
def get(url: SplitResult, watch: Watch, headers: Mapping[str, str]) -> Iterator[Answer]:
    """Ask for an absolute http(s) URL; the connection lasts as long as the context.

    Raises the watch's reason, OSError or h11.ProtocolError.
    """
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
    target = quote(url.path or "/", safe=_KEPT) + (f"?{quote(url.query, safe=_KEPT)}" if url.query else "")
    standing = {"Host": url.netloc, "Accept": "*/*", "Connection": "close"}
    request = h11.Request(method="GET", target=target, headers=[*standing.items(), *headers.items()])
    head = (http.send(request) or b"") + (http.send(h11.EndOfMessage()) or b"")
    with _connected(url, watch) as connection:
        connection.sendall(head)
        yield Answer(connection, http)


def _connected(url: SplitResult, watch: Watch) -> socket.socket:
    """A connection to the first address of the name that takes one; no proxy is asked."""
    failure = OSError("the name has no address")
    port = url.port or PORTS[url.scheme]
    for family, kind, protocol, _, address in socket.getaddrinfo(url.hostname, port, type=socket.SOCK_STREAM):
        connection = socket.socket(family, kind, protocol)
        try:
            watch.guard(connection)
            connection.settimeout(CONNECT_S)
            connection.connect(address)
            if url.scheme == "https":
                connection = trusted().wrap_socket(connection, server_hostname=url.hostname)
            connection.settimeout(None)
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure


@cache
def trusted() -> ssl.SSLContext:
    """The system's certificates; reading them takes 70 ms, once."""
    return ssl.create_default_context()
