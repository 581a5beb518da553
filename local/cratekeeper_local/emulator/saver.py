"""Saves while the emulator goes on working: a fork holds still what its parent keeps changing."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cratekeeper_local.snapshots import Shelf

PERIOD_S: Final = 2.0
SHARE: Final = 4  # a save may take at most every fourth second of a processor
LIMIT_S: Final = 120.0
_POLL_S: Final = 0.05

log = logging.getLogger("cratekeeper.saver")


@dataclass(slots=True)
class Figures:
    """What saving cost so far; times in milliseconds, `pause_ms` is how long the server stood still."""

    saves: int = 0
    failures: int = 0
    last_ms: float = 0.0
    pause_ms: float = 0.0


class Saver:
    """Saves after a change, at most every PERIOD_S or SHARE times the last save, whichever is longer.

    `write` fills a folder and runs in a child process; `marks` tells changes that no request made.
    Nothing is saved before `release`.
    """

    def __init__(self, shelf: Shelf, *, write: Callable[[Path], None], marks: Callable[[], Hashable]) -> None:
        self.figures = Figures()
        self._shelf = shelf
        self._write = write
        self._marks = marks
        self._seen: Hashable = None
        self._changed = False
        self._released = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    def note_change(self) -> None:
        """A request may have changed something."""
        self._changed = True

    def release(self) -> None:
        """What is there now is worth keeping: begin to save."""
        self._released.set()

    async def run(self) -> None:
        """Save for ever."""
        await self._released.wait()
        while True:
            started = time.monotonic()
            if self._is_behind():
                await self.save()
            rest = max(PERIOD_S, SHARE * self.figures.last_ms / 1000) - (time.monotonic() - started)
            await asyncio.sleep(max(rest, 0.0))

    async def save(self) -> bool:
        """Save now, also if nothing changed; whether it worked. Before `release`: no, and nothing is written."""
        if not self._released.is_set():
            return False
        async with self._one_at_a_time:
            marks, self._changed = self._marks(), False
            started = time.monotonic()
            worked = await self._save_in_child(started)
            self.figures.last_ms = (time.monotonic() - started) * 1000
            if worked:
                self._seen = marks
                self.figures.saves += 1
            else:
                self._changed = True
                self.figures.failures += 1
                log.error("a save failed; the one before it still holds")
            return worked

    def _is_behind(self) -> bool:
        return self._changed or self._marks() != self._seen

    async def _save_in_child(self, started: float) -> bool:
        try:
            child = self._fork()
        except OSError:
            log.exception("there is no process for a save")
            return False
        self.figures.pause_ms = (time.monotonic() - started) * 1000
        return await asyncio.to_thread(_ended_well, child)

    def _fork(self) -> int:
        parent = os.getpid()
        child = os.fork()
        if child:
            return child
        try:
            _write_and_commit(self._shelf, self._write, parent)
        except BaseException as error:  # noqa: BLE001  the child must never return into the server
            os.write(2, f"save: {type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os._exit(0)


def _write_and_commit(shelf: Shelf, write: Callable[[Path], None], parent: int) -> None:
    # Sockets first: a port must be free when the parent dies, and a closed connection be seen as closed.
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    logging.disable()  # another thread may have held the stream's lock when the fork came
    draft = shelf.draft()
    write(draft)
    if os.getppid() == parent:  # else a new emulator may already have begun from the last snapshot
        shelf.commit(draft)


def _ended_well(child: int) -> bool:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(_POLL_S)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False
