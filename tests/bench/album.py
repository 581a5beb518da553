"""C1: what the reference album costs in steady state, step by step and per track.

12 tracks, 2 images, one artist, one attempt, no heartbeat. The user has asked for something today
and the control item exists: the first request of a user's day costs a refused transaction more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Final

from cratekeeper.domain.models import Kind
from cratekeeper_local.provider.child import Provider
from cratekeeper_local.provider.ids import content_id
from cratekeeper_local.provider.shelf import DEMO_ALBUM_ID
from tests.bench.meter import Call, total
from tests.bench.rig import MAPPING, Rig, deployed
from tests.bench.rules import Units
from tests.bench.steps import CREATING, Line, by_step
from tests.contract.emulator import Emulator

CHILDREN: Final = 14
WARM_UP_ID: Final = content_id("track", "Dial Tone/1")
UNLIMITED: Final = "-1"

TRACK_S: Final = 3
"""Seconds that a worker spends on a track of the reference, 30 MB."""

WORKER_GB: Final = 0.25
"""The processor's memory; a test holds it to the template."""


@dataclass(frozen=True, slots=True)
class Bill:
    """One album: its calls, and how many messages and stream batches it took."""

    calls: list[Call]
    messages: int
    batches: int

    @property
    def lines(self) -> list[Line]:
        """Step by step."""
        return by_step(self.calls)

    @property
    def ours(self) -> int:
        """Requests that our functions made on the wire."""
        return sum(call.attempts for call in self.calls if call.phase != MAPPING)

    @property
    def units(self) -> Units:
        """All that is billed but Lambda."""
        return total(self.calls)

    @property
    def with_lambda(self) -> Units:
        """And the workers' time, as if each track took TRACK_S."""
        invocations = self.messages + self.batches + 1
        return self.units + Units(invocations=invocations, gb_s=CHILDREN * TRACK_S * WORKER_GB)

    def wru_of(self, table: str) -> float:
        """Write units of one table."""
        return sum(call.units.wru for call in self.calls if f"bench-{table}-" in str(call.params))


def bill(rig: Rig, *, workers: int = 1) -> Bill:
    """Request the album, work it off with so many workers, project it."""
    with rig.meter.measuring() as calls:
        with rig.meter.phase(CREATING):
            rig.request(DEMO_ALBUM_ID)
        with rig.meter.phase("work"):
            messages = drain_with(rig, workers)
        with rig.meter.phase("history"):
            batches = rig.project()
    return Bill(calls, messages, batches)


def drain_with(rig: Rig, workers: int) -> int:
    """The first message by one worker, what follows by several at a time; returns how many there were."""
    if workers == 1:
        return rig.drain()
    rig.deliver_one()
    delivered: list[int] = []
    threads = [Thread(target=lambda: delivered.append(rig.drain())) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1 + sum(delivered)


@contextmanager
def warm(emulator: Emulator, provider: Provider, *, limit: str) -> Iterator[Rig]:
    """A deployment in steady state: one track has been fetched already."""
    with deployed(emulator, provider.url, MAX_CONCURRENT_DOWNLOADS=limit) as rig:
        warm_up(rig)
        yield rig


def warm_up(rig: Rig) -> None:
    """Fetch a track that no figure is about."""
    rig.request(WARM_UP_ID, kind=Kind.TRACK)
    rig.drain()
    rig.project()
