"""The sockets: connections, the busy turnstile, latency, and a clean stop."""

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from cratekeeper_local.provider.app import CONTROL_PREFIX, App
from cratekeeper_local.provider.delivery import Wire
from cratekeeper_local.provider.messages import Answer, Request
from cratekeeper_local.provider.reading import Incoming
from cratekeeper_local.provider.refusals import Refused

BACKLOG: Final = 256


@dataclass(frozen=True, slots=True)
class Manners:
    """How the service treats its clients.

    `is_busy`: one audio download at a time, 429 to the others. `rate_bytes_s` slows each
    body (None: as fast as it goes), `latency_s` comes before each answer.
    """

    is_busy: bool = False
    rate_bytes_s: int | None = None
    latency_s: float = 0.0


class Server:
    """Serves an app on one address until closed."""

    def __init__(self, app: App, manners: Manners) -> None:
        self._app = app
        self._manners = manners
        self._connections: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> int:
        """Start serving; returns the port, also where 0 asked for a free one.

        Raises OSError when the address cannot be had.
        """
        self._listening = await asyncio.start_server(self._serve, host, port, backlog=BACKLOG)
        chosen: int = self._listening.sockets[0].getsockname()[1]
        return chosen

    async def close(self) -> None:
        """Stop listening and end all connections, wherever they are."""
        if self._listening is not None:
            self._listening.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._connection(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._ended)

    def _ended(self, connection: asyncio.Task[None]) -> None:
        self._connections.discard(connection)
        if not connection.cancelled() and (error := connection.exception()) is not None:
            sys.stderr.write(f"demo provider: {type(error).__name__}: {error}\n")

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            wire = Wire(reader, writer, rate_bytes_s=self._manners.rate_bytes_s)
            with suppress(ConnectionError):
                await self._converse(Incoming(reader), wire)
        finally:
            writer.close()

    async def _converse(self, incoming: Incoming, wire: Wire) -> None:
        goes_on = True
        while goes_on:
            try:
                request = await incoming.next()
            except Refused as refusal:
                await wire.send(refusal.answer(), has_body=True, closes=True, sent=lambda _: None)
                return
            if request is None:
                return
            goes_on = await self._exchange(request, wire)

    async def _exchange(self, request: Request, wire: Wire) -> bool:
        track_id = request.track_id
        if track_id is None:
            return await self._answer(request, wire)
        if self._manners.is_busy and self._app.counts.audio_now:
            return await self._deliver(self._app.turn_away(request, track_id), request, wire)
        with self._app.counts.audio(track_id):
            return await self._answer(request, wire)

    async def _answer(self, request: Request, wire: Wire) -> bool:
        if not request.path.startswith(CONTROL_PREFIX):
            await asyncio.sleep(self._manners.latency_s)
        return await self._deliver(await self._app.answer(request), request, wire)

    async def _deliver(self, answer: Answer, request: Request, wire: Wire) -> bool:
        def sent(size_bytes: int) -> None:
            if request.track_id is not None:
                self._app.counts.bytes[request.track_id] += size_bytes

        return await wire.send(
            answer,
            has_body=request.method != "HEAD",
            closes=request.headers.get("connection", "").lower() == "close",
            sent=sent,
        )
