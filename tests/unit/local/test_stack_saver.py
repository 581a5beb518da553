"""Saving by a fork: after changes only, with what was there at that moment, and never half."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cratekeeper_local.emulator import saver as saver_module
from cratekeeper_local.emulator.saver import Saver
from cratekeeper_local.snapshots import Shelf

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


class World:
    """A state that is saved as one file, and what a saver is told of it."""

    def __init__(self, folder: Path) -> None:
        self.shelf = Shelf(folder)
        self.content = "start"
        self.marks = 0
        self.saver = Saver(self.shelf, write=self.write, marks=lambda: self.marks)

    def write(self, folder: Path) -> None:
        (folder / "state").write_text(self.content)

    def saved(self) -> list[str]:
        """What each snapshot holds, the newest first."""
        return [(path / "state").read_text() for path in self.shelf.newest_first()]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(saver_module, "PERIOD_S", 0.05)
    return World(tmp_path)


async def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def test_nothing_is_saved_before_release(world: World) -> None:
    assert not asyncio.run(world.saver.save())
    assert world.saved() == []


def test_a_save_holds_what_was_there_when_it_began(world: World) -> None:
    async def scenario() -> None:
        world.saver.release()
        saving = asyncio.create_task(world.saver.save())
        await asyncio.sleep(0)  # the fork is done, the child may still be writing
        world.content = "later"
        assert await saving

    asyncio.run(scenario())
    assert world.saved() == ["start"]


def test_it_saves_after_each_change_and_rests_without_one(world: World) -> None:
    async def scenario() -> None:
        running = asyncio.create_task(world.saver.run())
        world.saver.release()
        await until(lambda: world.saver.figures.saves == 1)
        world.content = "by request"
        world.saver.note_change()
        await until(lambda: world.saver.figures.saves == 2)
        world.content = "by itself"
        world.marks += 1
        await until(lambda: world.saver.figures.saves == 3)
        await asyncio.sleep(0.4)
        running.cancel()

    asyncio.run(scenario())
    assert world.saver.figures.saves == 3
    assert world.saved() == ["by itself", "by request"]


def fails(_folder: Path) -> None:
    raise OSError("disk full")


def dies(_folder: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("write", [fails, dies])
def test_a_failed_save_leaves_the_last_one_and_is_tried_again(world: World, write: Callable[[Path], None]) -> None:
    broken = Saver(world.shelf, write=write, marks=lambda: 0)

    async def scenario() -> None:
        world.saver.release()
        broken.release()
        await world.saver.save()
        assert not await broken.save()
        assert not await broken.save()

    asyncio.run(scenario())
    assert world.saved() == ["start"]
    assert broken.figures.failures == 2


def test_the_loop_stands_still_for_milliseconds_only(world: World) -> None:
    def slow(folder: Path) -> None:
        time.sleep(0.5)
        world.write(folder)

    saver = Saver(world.shelf, write=slow, marks=lambda: 0)

    async def scenario() -> int:
        saver.release()
        saving = asyncio.create_task(saver.save())
        turns = 0
        while not saving.done():
            await asyncio.sleep(0.01)
            turns += 1
        return turns

    # 50 turns of 10 ms fit; a loop that waits for its child makes one.
    assert asyncio.run(scenario()) >= 10
