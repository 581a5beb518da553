"""Reads requests off a connection; the parsing is h11's."""

from asyncio import StreamReader
from typing import Final

import h11

from cratekeeper_local.provider.messages import Request
from cratekeeper_local.provider.refusals import Refused

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_BODY_BYTES: Final = 1024 * 1024
READ_BYTES: Final = 64 * 1024


class Incoming:
    """The requests of one connection, one after another."""

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader
        self._left = b""

    async def next(self) -> Request | None:
        """The next request with its body, or None when the client has closed.

        Raises Refused (400, 413) for what is no HTTP/1.1 request or too large a body;
        nothing can be read after that.
        """
        # A parser per request: answers are written by hand and h11 never sees them.
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        if self._left:
            # To h11 no bytes would be the end of the connection.
            parser.receive_data(self._left)
        try:
            return await self._read(parser)
        except h11.RemoteProtocolError as error:
            raise Refused(400, f"not HTTP: {error}") from error

    async def _read(self, parser: h11.Connection) -> Request | None:
        head: h11.Request | None = None
        body = b""
        while True:
            event = await self._event(parser)
            if isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif head is not None and isinstance(event, h11.EndOfMessage):
                self._left = parser.trailing_data[0]
                return _request(head, body)
            else:
                return None
            if len(body) > MAX_BODY_BYTES:
                raise Refused(413, "the body is too large")

    async def _event(self, parser: h11.Connection) -> object:
        while (event := parser.next_event()) is h11.NEED_DATA:
            parser.receive_data(await self._reader.read(READ_BYTES))
        return event


def _request(head: h11.Request, body: bytes) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    if head.http_version < b"1.1":
        headers["connection"] = "close"
    return Request(head.method.decode(), head.target.decode("latin-1"), headers, body)
