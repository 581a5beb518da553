"""The functions as processes: callers, workers fed by the bell, the dispatcher, the projector."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from cratekeeper.domain.access import Caller
from cratekeeper.domain.control import Control
from cratekeeper.domain.errors import AlreadyInCatalog, AlreadyQueued, LimitReached, Unavailable
from cratekeeper.domain.ids import Seed
from cratekeeper.domain.models import Download
from cratekeeper.services.deliver import Deliver
from cratekeeper.services.deliver import Message as Received
from cratekeeper.services.requests import NewDownload
from tests.memory.bell import Message
from tests.memory.virtual import SkewedClock
from tests.memory.world import World
from tests.simulation.checker import WORKER
from tests.simulation.scheduler import ActorPulse, Process, Scheduler
from tests.support.crate import Crate, Knobs

if TYPE_CHECKING:
    from cratekeeper.services.project import Seen

PERIOD_S: Final = 60
"""Between two ticks of the dispatcher."""
CALLER_TRIES: Final = 60
CALLER_WAITS_S: Final = 10
PART_BYTES: Final = 1024
"""Parts so small that files of many are cheap."""
MAX_RECEIVES: Final = 100
WORKERS: Final = 5
"""Invocations at once: more than permits, so that those without one are met too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """How unreliable the queues, streams and clocks are: shares of 1, and seconds."""

    dropped: float = 0.0
    duplicated: float = 0.0
    replayed: float = 0.0
    skew_s: float = 0.0
    lagging: float = 0.0


@dataclass(slots=True, kw_only=True)
class Machinery:
    """Starts the processes of one run and keeps what they have promised.

    `accepted` maps each accepted download's id to what was asked and by whom; `broken` are keys
    of objects that the provider itself has broken. `cancelled` has the round of each download whose
    cancellation was answered; `has_cancelled` and `has_closed` are told of such answers.
    """

    world: World
    scheduler: Scheduler
    knobs: Knobs
    chances: Chances
    dice: Random
    accepted: dict[str, tuple[NewDownload, Caller]] = field(default_factory=dict)
    refused: list[tuple[NewDownload, Exception]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    cancelled: dict[str, int] = field(default_factory=dict)
    has_cancelled: Callable[[Download], None] = lambda _: None
    has_closed: Callable[[], None] = lambda: None
    callers: int = 0
    working: int = 0
    started: int = 0
    projected: int = 0
    ordered: int = 0
    projecting: bool = False
    operated_at: datetime | None = None
    dropped_at: datetime | None = None
    maintained_at: datetime | None = None

    def start(self) -> None:
        """Start the pollers and the schedules."""
        nobody = Process("aws")
        self.scheduler.spawn("poller", nobody, self._poll)
        self.scheduler.spawn("schedule", nobody, self._schedule)
        self.scheduler.spawn("stream", nobody, self._stream)
        self.scheduler.alarms.append(self._next_message)

    def request(self, wanted: NewDownload, caller: Caller, *, after_s: float = 0.0, is_keyed: bool = False) -> None:
        """A person who asks again while the answer is that something is not possible now.

        With `is_keyed` each request carries the same Idempotency-Key.
        """
        key = self.world.ids.download(self.world.clock.time) if is_keyed else None
        self._insist(
            f"caller {caller.user_id}",
            "requests",
            lambda crate, tries: self._create(crate, wanted, caller, Seed(key, is_resumed=tries > 0) if key else None),
            after_s=after_s,
        )

    def batch(self, wanted: Sequence[NewDownload], caller: Caller) -> None:
        """A person who asks for many at once, with an Idempotency-Key, until there is an answer."""
        key = self.world.ids.download(self.world.clock.time)
        self._insist(
            f"caller {caller.user_id}",
            "requests",
            lambda crate, tries: self._create_all(crate, wanted, caller, Seed(key, is_resumed=tries > 0)),
        )

    def maintain(
        self, work: Callable[[Crate], object], *, after_s: float, first: Callable[[], None] = lambda: None
    ) -> None:
        """A background job, begun again until one run of it comes to its end; `first` is what it is to find."""
        begins = self.world.clock.time + timedelta(seconds=after_s)
        self.maintained_at = max(self.maintained_at or begins, begins)

        def run(crate: Crate, tries: int) -> bool:
            if not tries:
                first()
            with suppress(Unavailable):
                work(crate)
                return True
            return False

        self._insist("schedule", "job", run, after_s=after_s)

    def _insist(self, who: str, kind: str, call: Callable[[Crate, int], bool], *, after_s: float = 0.0) -> None:
        """Have a new process make the call again and again until it says that it is done."""
        person = Process(who)
        self.callers += 1
        self.scheduler.spawn(person.name, person, lambda: self._try(kind, call, after_s))

    def _try(self, kind: str, call: Callable[[Crate, int], bool], after_s: float) -> None:
        self.scheduler.sleep(after_s)
        for tries in range(CALLER_TRIES):
            if self._is_done(self.process(kind), call, tries):
                break
            self.scheduler.sleep(CALLER_WAITS_S)
        self.callers -= 1

    def _is_done(self, process: Process, call: Callable[[Crate, int], bool], tries: int) -> bool:
        """Have a process make the call, and wait until it has answered or died."""
        answers: list[bool] = []
        self.scheduler.spawn(process.name, process, lambda: answers.append(call(self.cold_start(process), tries)))
        self.scheduler.wait_until(lambda: process.is_over)
        return any(answers)

    def operate(self, *, after_s: float, change: Callable[[Control], Control]) -> None:
        """Somebody changes the limit, or closes or opens the queue."""
        operator = Process("operator")
        self.operated_at = max(
            self.operated_at or self.world.clock.time, self.world.clock.time + timedelta(seconds=after_s)
        )
        self.scheduler.spawn(operator.name, operator, lambda: self._operate(after_s, change))

    def _operate(self, after_s: float, change: Callable[[Control], Control]) -> None:
        self.scheduler.sleep(after_s)
        self.world.table.control = change(self.world.table.control)
        self.world.table.tell(())

    def is_idle(self) -> bool:
        """Whether callers, workers and the projector have nothing left to do."""
        return not (self.callers or self.working or self.projecting) and self._is_projected()

    def _is_projected(self) -> bool:
        table = self.world.table
        return self.projected == len(table.stream) and self.ordered == len(table.orders)

    def process(self, kind: str) -> Process:
        self.started += 1
        skew_s = self.dice.uniform(-self.chances.skew_s, self.chances.skew_s) if self.chances.skew_s else 0.0
        return Process(f"{kind}-{self.started}", skew=timedelta(milliseconds=round(skew_s * 1000)))

    def cold_start(self, owner: Process) -> Crate:
        """The real services, built anew: nothing is remembered from another process."""
        world = self.world
        clock = SkewedClock(true=world.clock, skew=owner.skew) if owner.skew else world.clock
        return Crate(replace(world, clock=clock, pulse=ActorPulse(self.scheduler, owner)), self.knobs)

    def _create(self, crate: Crate, wanted: NewDownload, caller: Caller, seed: Seed | None) -> bool:
        try:
            created = crate.requests.create(wanted, caller=caller, seed=seed)
        except (AlreadyQueued, AlreadyInCatalog) as error:
            self.refused.append((wanted, error))
        except (LimitReached, Unavailable) as error:
            self.refused.append((wanted, error))
            return False
        else:
            self.accepted[created.id] = (wanted, caller)
        return True

    def _create_all(self, crate: Crate, wanted: Sequence[NewDownload], caller: Caller, seed: Seed) -> bool:
        try:
            outcomes = crate.batches.create(wanted, caller=caller, seed=seed)
        except Unavailable:
            return False
        for each, outcome in zip(wanted, outcomes, strict=True):
            if outcome.download_id and not outcome.reason:
                self.accepted[outcome.download_id] = (each, caller)
        return True

    def _poll(self) -> None:
        while True:
            self.scheduler.wait_until(self._has_message)
            visible = self.world.bell.visible()
            message = visible[self.dice.randrange(len(visible))]
            self._receive(message)

    def _has_message(self) -> bool:
        return self.working < WORKERS and self.world.bell.has_visible()

    def _next_message(self) -> datetime | None:
        return self.world.bell.next_visible_at() if self.working < WORKERS else None

    def _receive(self, message: Message) -> None:
        bell = self.world.bell
        bell.hide(message)
        if message.receives > MAX_RECEIVES or self._happens(self.chances.dropped):
            bell.acknowledge(message.receipt)
            self.dropped_at = self.world.clock.time
            return
        if message.receives == 1 and self._happens(self.chances.duplicated):
            for _ in range(self.dice.randint(1, 2)):
                bell.deliver(message.lane, message.download_id)
        worker = self.process(WORKER)
        self.working += 1
        worker.at_death = lambda: self._died(worker, message)
        self.scheduler.spawn(worker.name, worker, lambda: self._work(worker, message))

    def _died(self, worker: Process, message: Message) -> None:
        self.working -= 1
        if worker.is_message_lost:
            self.world.bell.acknowledge(message.receipt)

    def _work(self, worker: Process, message: Message) -> None:
        """One invocation; a message that is not done comes back when its hiding ends."""
        try:
            crate = self.cold_start(worker)
            deadline = crate.world.clock.now() + timedelta(seconds=self.knobs.invocation_s)
            transfer = replace(crate.process.transfer, part_bytes=PART_BYTES)
            process = replace(crate.process, transfer=transfer)
            deliver = Deliver(process=process, bell=self.world.bell, log=self.world.log)
            received = Received(receipt=message.receipt, lane=message.lane, download_id=message.download_id)
            if deliver.run(received, deadline=deadline):
                self.world.bell.acknowledge(message.receipt)
        finally:
            self.working -= not worker.is_dead

    def _schedule(self) -> None:
        while True:
            self.scheduler.sleep(PERIOD_S)
            dispatcher = self.process("dispatcher")
            self.scheduler.spawn(dispatcher.name, dispatcher, lambda: self._tick(dispatcher))  # noqa: B023

    def _tick(self, dispatcher: Process) -> None:
        try:
            self.cold_start(dispatcher).dispatch.tick()
        except Unavailable:
            return

    def _stream(self) -> None:
        """Batches of the stream in order, each again until it is projected; sometimes once more after that."""
        table = self.world.table
        while True:
            self.scheduler.wait_until(lambda: not (self._is_projected() or self.projecting))
            start = self.projected
            if start and self._happens(self.chances.replayed):
                start -= self.dice.randint(1, min(start, 20))
            self.projecting = True
            projector = self.process("projector")
            projector.at_death = self._projected
            end = min(start + self.dice.randint(1, 100), len(table.stream))
            self.scheduler.spawn(projector.name, projector, lambda: self._project(projector, start, end))  # noqa: B023
            self.scheduler.wait_until(lambda: not self.projecting)

    def _project(self, projector: Process, start: int, end: int) -> None:
        ordered = len(self.world.table.orders)
        orders: list[Seen] = [(None, each) for each in self.world.table.orders[self.ordered : ordered]]
        try:
            self.cold_start(projector).project.run([*self.world.stream(after=start, until=end), *orders])
        except Unavailable:
            self.scheduler.sleep(1)
        else:
            self.projected, self.ordered = max(self.projected, end), ordered
        finally:
            self.projecting = False

    def _projected(self) -> None:
        self.projecting = False

    def _happens(self, share: float) -> bool:
        return share > 0 and self.dice.random() < share
