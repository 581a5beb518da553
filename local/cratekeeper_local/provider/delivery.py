"""Writes an answer to a connection exactly as its delivery says, also when that is wrong."""

import asyncio
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from cratekeeper_local.provider.messages import Answer, Ending, Framing

PIECE_BYTES: Final = 64 * 1024
PIECES_PER_S: Final = 20


class Wire:
    """One connection's sending side; `rate_bytes_s` slows all bodies, None does not."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        rate_bytes_s: int | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._rate_bytes_s = rate_bytes_s

    async def send(self, answer: Answer, *, has_body: bool, closes: bool, sent: Callable[[int], object]) -> bool:
        """Deliver one answer, telling `sent` the size of each piece of the body.

        True when the connection can carry another request. `closes` announces that it
        will not. Raises ConnectionError when the client is gone.
        """
        delivery = answer.delivery
        closes = closes or delivery.framing is Framing.NONE
        if delivery.raw is not None:
            self._writer.write(delivery.raw)
        elif delivery.has_head:
            await self._send_head(head_of(answer, closes=closes), drip_s=delivery.drip_s)
            if has_body:
                await self._send_body(answer, sent)
        await self._writer.drain()
        await self._end(answer)
        return delivery.ending is Ending.KEEP and not closes

    async def _send_head(self, head: bytes, *, drip_s: float | None) -> None:
        if drip_s is None:
            self._writer.write(head)
            return
        for byte in head:
            self._writer.write(bytes((byte,)))
            await self._writer.drain()
            await asyncio.sleep(drip_s)

    async def _send_body(self, answer: Answer, sent: Callable[[int], object]) -> None:
        delivery = answer.delivery
        in_chunks = delivery.framing in {Framing.CHUNKED, Framing.BOTH}
        whole = delivery.cut_bytes is None
        stop = answer.stop if delivery.cut_bytes is None else answer.start + delivery.cut_bytes
        pace = _Pace(delivery.rate_bytes_s or self._rate_bytes_s)
        for start in range(answer.start, stop, pace.piece_bytes):
            # Before the piece: after the last one the service is free at once.
            await pace.wait(start - answer.start)
            piece = answer.content.read(start, min(start + pace.piece_bytes, stop))
            self._writer.write(_chunk(piece) if in_chunks else piece)
            await self._writer.drain()
            sent(len(piece))
        if in_chunks and whole:
            self._writer.write(b"0\r\n\r\n")

    async def _end(self, answer: Answer) -> None:
        if answer.delivery.ending is Ending.RESET:
            self._reset()
        elif answer.delivery.ending is Ending.HANG:
            await self._hang(answer.delivery.hang_s)

    def _reset(self) -> None:
        # Closing with a linger of zero seconds makes the kernel send RST, not FIN.
        connection: socket.socket = self._writer.get_extra_info("socket")
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    async def _hang(self, hang_s: float) -> None:
        # Reading notices at once when the client gives up.
        try:
            async with asyncio.timeout(hang_s):
                while await self._reader.read(1024):
                    pass
        except TimeoutError:
            pass


class _Pace:
    """Keeps to a rate by the loop's clock, in small pieces; without one it only yields."""

    def __init__(self, rate_bytes_s: int | None) -> None:
        self._rate_bytes_s = rate_bytes_s
        self._started_s = asyncio.get_running_loop().time()
        wanted = PIECE_BYTES if rate_bytes_s is None else rate_bytes_s // PIECES_PER_S
        self.piece_bytes = max(1, min(PIECE_BYTES, wanted))

    async def wait(self, sent_bytes: int) -> None:
        """Sleep until all `sent_bytes` so far were due."""
        if self._rate_bytes_s is None:
            # A fast reader never fills the buffer; others shall have their turn all the same.
            await asyncio.sleep(0)
            return
        due_s = self._started_s + sent_bytes / self._rate_bytes_s
        await asyncio.sleep(max(0.0, due_s - asyncio.get_running_loop().time()))


def head_of(answer: Answer, *, closes: bool) -> bytes:
    """Status line and headers, with those that follow from the delivery."""
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    delivery = answer.delivery
    if delivery.framing in {Framing.LENGTH, Framing.BOTH}:
        declared = delivery.declared_bytes
        lines.append(f"Content-Length: {answer.size_bytes if declared is None else declared}")
    if delivery.framing in {Framing.CHUNKED, Framing.BOTH}:
        lines.append("Transfer-Encoding: chunked")
    if closes:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)
