"""The services that only operators use, on a crate."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from cratekeeper.services.activity import ActivityReport
from cratekeeper.services.control import QueueControl, WorkNow
from cratekeeper.services.overview import Overview
from cratekeeper.services.requeue import Requeue
from tests.support.crate import Crate


@dataclass(slots=True)
class MemoryWorker:
    """The worker's own path. `before` runs as it is asked: what others are quicker to do."""

    crate: Crate
    before: Callable[[], object] = field(default=lambda: None)

    def run(self, download_id: str) -> bool:
        self.before()
        deadline = self.crate.world.clock.now() + timedelta(seconds=self.crate.knobs.invocation_s)
        return self.crate.process.alone(download_id, deadline=deadline)


@dataclass
class Operated:
    """By the names of their builders."""

    queue_control: QueueControl
    work_now: WorkNow
    activity: ActivityReport
    overview: Overview
    requeue: Requeue


def operated(crate: Crate, *, worker: MemoryWorker | None = None) -> Operated:
    """The services as they are deployed."""
    world = crate.world
    activity = ActivityReport(history=world.history, clock=world.clock)
    overview = Overview(
        store=world.store,
        permits=world.permits,
        activity=activity,
        queries=crate.queries,
        clock=world.clock,
        capacity=crate.knobs.capacity,
        stale_s=3600,
    )
    return Operated(
        queue_control=QueueControl(permits=world.permits, release=crate.release, clock=world.clock),
        work_now=WorkNow(
            store=world.store,
            permits=world.permits,
            release=crate.release,
            worker=worker or MemoryWorker(crate),
            clock=world.clock,
            window_s=8.0,
        ),
        activity=activity,
        overview=overview,
        requeue=Requeue(overview=overview, steer=crate.steer, clock=world.clock, most=200, window_s=15.0),
    )
