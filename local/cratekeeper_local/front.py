"""The one port of the stack: a small reverse proxy before the API's path on the emulator.

Headers, query and body pass as they came, in both directions. What API Gateway would do, the
emulator does behind it.
"""

import asyncio
import queue
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import httpx
from hypercorn.asyncio import serve
from hypercorn.config import Config
from typing_extensions import override

from cratekeeper_local.errors import USAGE, LocalStackError

if TYPE_CHECKING:
    from hypercorn.typing import Framework

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Each request under way is a process of its function; more wait here, as they would for an account's concurrency.
AT_ONCE: Final = 10
_STOP_LIMIT_S: Final = 5.0
_BACKLOG: Final = 1024
# Of one connection, and so not to be passed on (RFC 9110, 7.6.1).
_HOP_BY_HOP: Final = frozenset({
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"transfer-encoding",
    b"upgrade",
})
_BAD_GATEWAY: Final = b'{"type":"about:blank","title":"Bad Gateway","status":502,"code":"emulator_unreachable"}'


def reserved(port: int) -> socket.socket:
    """A loopback socket bound to `port` (0: any free one), not listening yet. Raises LocalStackError if it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or "not a port"
        raise LocalStackError(f"cannot listen on 127.0.0.1:{port}: {why}; choose another with --port", USAGE) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a reserved socket will answer."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def opened(listener: socket.socket, base: str) -> Iterator[None]:
    """Serve `base` on the listener, on a thread of its own, for the length of the block."""
    front, ended, loops = Front(base), asyncio.Event(), queue.SimpleQueue[asyncio.AbstractEventLoop]()
    listener.listen(_BACKLOG)  # from here on nobody is refused, at most kept waiting for the thread

    async def run() -> None:
        loops.put(asyncio.get_running_loop())
        await front.serve(listener, until=ended.wait)

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True, name="front")
    thread.start()
    loop = loops.get()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(_STOP_LIMIT_S)


class Front:
    """Maps / of the listener to `base`, a URL of the emulator."""

    def __init__(self, base: str) -> None:
        self._base = httpx.URL(base)
        self._transport = httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        )

    async def serve(self, listener: socket.socket, *, until: Callable[[], Awaitable[object]]) -> None:
        """Answer until `until` returns; requests under way are finished."""
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.backlog = _BACKLOG
        config.graceful_timeout = 1.0
        config.errorlog = None
        # The answer's own stand in the answer.
        config.include_server_header = False
        config.include_date_header = False
        try:
            # Hypercorn spells the same ASGI types as unions of TypedDicts.
            await serve(cast("Framework", self), config, shutdown_trigger=until)
        finally:
            await self._transport.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection of the server, as ASGI has it."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._pass(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._transport.handle_async_request(self._request(scope, receive))
        except httpx.TransportError:
            headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(_BAD_GATEWAY))]
            await send({"type": "http.response.start", "status": 502, "headers": headers})
            await send({"type": "http.response.body", "body": _BAD_GATEWAY})
            return
        try:
            await send({
                "type": "http.response.start",
                "status": answer.status_code,
                "headers": _passed(answer.headers.raw),
            })
            async for chunk in cast("httpx.AsyncByteStream", answer.stream):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()

    def _request(self, scope: Scope, receive: Receive) -> httpx.Request:
        """The same request for the emulator; its path is passed byte by byte, never decoded and encoded again."""
        query = scope["query_string"]
        target = self._base.raw_path + scope["raw_path"] + (b"?" + query if query else b"")
        return httpx.Request(
            scope["method"],
            self._base,
            headers=_passed(scope["headers"]) + _framing(scope["headers"]),
            # Given as a stream, so that httpx adds no header of its own.
            stream=_Body(receive),
            extensions={"target": target, "timeout": {}},
        )


def _passed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]


def _framing(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """A body of unknown length stays one."""
    chunked = any(name.lower() == b"transfer-encoding" for name, _ in headers)
    return [(b"transfer-encoding", b"chunked")] if chunked else []


class _Body(httpx.AsyncByteStream):
    """The body of a request as it arrives."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise httpx.ReadError("the client is gone")
            yield message.get("body", b"")
            more = message.get("more_body", False)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
