"""Work that the emulator starts by itself: held until the deployment is whole, ended before a stop.

Streams are read on a thread of their own: the emulator runs the projector on the thread that
looks at the queues, where a cold start would delay every download.
"""

import asyncio
import logging
import threading
import time
from typing import Final

from cratekeeper_local.emulator.internals import Internals

# Between two looks at the streams; it also lets records gather, as the batching window does on AWS.
PAUSE_S: Final = 0.2
_POLL_S: Final = 0.05

log = logging.getLogger("cratekeeper.intake")


class Intake:
    """Polling of queues and streams, which begins with `open`."""

    def __init__(self, emulator: Internals) -> None:
        self._emulator = emulator
        self._queues_open = False
        self._open = threading.Event()
        emulator.replace_polling(queues=self._poll_queues, streams=_nothing)
        threading.Thread(target=self._poll_streams, daemon=True, name="streams").start()

    def open(self) -> None:
        """Let messages and stream records reach the functions."""
        self._queues_open = True
        self._open.set()

    async def drain(self, *, limit_s: float) -> None:
        """Take no more messages; wait until what runs has ended and the streams are read, at most `limit_s`."""
        self._queues_open = False
        await asyncio.to_thread(self._wait_for_rest, limit_s)

    def unread(self) -> int:
        """Stream records that wait for the projector."""
        return sum(len(records) for _, _, records in self._emulator.unread())

    def running(self) -> int:
        """Invocations under way."""
        return self._emulator.running()[0]

    def _wait_for_rest(self, limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while (self.running() or self.unread()) and self._open.is_set() and time.monotonic() < deadline:
            time.sleep(_POLL_S)

    def _poll_queues(self) -> bool:
        return self._queues_open and self._emulator.poll_queues()

    def _poll_streams(self) -> None:
        self._open.wait()
        while True:
            try:
                self._emulator.poll_streams()
            except Exception:
                log.exception("reading the streams failed")
            time.sleep(PAUSE_S)


def _nothing() -> bool:
    return False
