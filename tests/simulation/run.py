"""One run: a workload, a seed and a plan of faults, to the end."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from typing_extensions import override

from cratekeeper.domain.models import Download
from cratekeeper.domain.states import State
from tests.memory.records import MemoryLog
from tests.memory.table import Table
from tests.memory.world import World
from tests.simulation import deeds
from tests.simulation.checker import Checker, Violation
from tests.simulation.deeds import DEEDS, Act
from tests.simulation.faults import Blow, Injector, Plan, no_faults
from tests.simulation.processes import PERIOD_S, Chances, Machinery
from tests.simulation.quiescence import check_rest, rests
from tests.simulation.scheduler import Scheduler
from tests.simulation.workloads import SECONDS_A_TRACK, Workload

PAUSE_LEASES: Final = 3.4
"""A paused process sleeps so many leases: meanwhile another notices, takes over, and may be done."""

VISIBILITY_S: Final = 150
"""How soon a message comes back that nobody acknowledged: earlier than on AWS, so more often in the way."""

MOST_CALLS: Final = 4_000
"""A run that makes more calls of ports, and thrice as many in a long workload, does not end."""

RELIABLE: Final = Chances()

Sabotage = Callable[[World], World]
"""Puts a defect into the world, to see whether it is found."""


@dataclass(slots=True)
class WatchedLog(MemoryLog):
    """Shows the checker the moment at which a worker believes that its lease is lost."""

    lease_lost: Callable[[str, int], None] | None = None

    @override
    def warning(self, action: str, **fields: object) -> None:
        MemoryLog.warning(self, action, **fields)
        if action == "lease_lost" and self.lease_lost:
            self.lease_lost(str(fields["download_id"]), int(str(fields["epoch"])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one run: its calls by site, the faults that struck, and what they broke."""

    sites: list[str]
    callers: list[str]
    blows: list[tuple[str, Blow]]
    violations: list[Violation]
    digest: str
    lines: list[str]
    virtual_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything that decides a run.

    Args:
        chances: how unreliable queues, streams, indexes and clocks are during the first
            `calm_after` calls.
        is_gentle: whether the workload's own ends must be reached: at most one fault strikes.
        acts: what people do meanwhile.
        sabotage: a defect to be found.
    """

    workload: Workload
    seed: int = 0
    plan: Plan = no_faults
    chances: Chances = RELIABLE
    calm_after: int = 0
    is_gentle: bool = True
    is_tracing: bool = False
    acts: tuple[Act, ...] = ()
    stickiness: float = 0.5
    sabotage: Sabotage | None = None


@dataclass(slots=True, kw_only=True)
class Simulation:
    """A world with everything that runs in it.

    `settled` is how much of the stream the indexes have seen for certain: they lag by moments, not
    by as long as nobody moves.
    """

    setup: Setup
    world: World
    scheduler: Scheduler
    machinery: Machinery
    checker: Checker
    injector: Injector
    started_at: datetime
    settled: int = 0
    begun: int = 0

    def interrupt(self, index: int) -> bool:
        """Begin what is to be done before the call of this number; whether there was anything."""
        acts = self.setup.acts
        if self.begun == len(acts) or acts[self.begun].index > index:
            return False
        deeds.begin(self.machinery, acts[self.begun])
        self.begun += 1
        return True

    def around(self, method: str, call: Callable[[], Any]) -> Any:
        """The hook of all calls."""
        calls = len(self.injector.sites)
        self._be_unreliable(self.world.table, is_calm=calls >= self.setup.calm_after)
        if calls > MOST_CALLS * (3 if self.setup.workload.sample else 1):
            self.checker.that(holds=False, invariant="I7", detail=f"no end after {calls} calls")
        return self.injector(method, call)

    def is_over(self) -> bool:
        """Whether nothing is left to do, or nothing has moved for longer than anything may take."""
        self.checker.objects()
        self.settled, self.world.table.lag = len(self.world.table.stream), 0
        if self._is_at_rest():
            return True
        return self.world.clock.time > self._patience_ends()

    def finish(self) -> Outcome:
        """Check what is left, and sum up."""
        if not self.checker.violations:
            check_rest(self.checker, self.machinery)
            self._check_ends()
        return Outcome(
            sites=self.injector.sites,
            callers=self.injector.callers,
            blows=self.injector.blows,
            violations=self.checker.violations,
            digest=self.injector.digest,
            lines=self.injector.lines,
            virtual_s=(self.world.clock.time - self.started_at).total_seconds(),
        )

    def _be_unreliable(self, table: Table, *, is_calm: bool) -> None:
        if is_calm:
            table.lag = 0
            self.machinery.chances = Chances(skew_s=self.setup.chances.skew_s)
        elif self.machinery.dice.random() < self.setup.chances.lagging:
            recent = len(table.stream) - self.settled
            table.lag = min(recent, self.machinery.dice.choice((0, 0, 1, 2, 5)))

    def _is_at_rest(self) -> bool:
        control = self.world.control
        return (
            self.machinery.is_idle()
            and all(self._has_ended(root) for root in self.world.table.roots())
            and not control.permits
            and not control.hungry
        )

    def _has_ended(self, root: Download) -> bool:
        """Whether nothing more is to be done for a root: it is over, or rests."""
        if not root.is_terminal:
            return rests(self.world, root) and root.parked_until is None
        return root.due_at is None

    def _patience_ends(self) -> datetime:
        """The bound B after the last move, fault, or end of a wait for a good reason."""
        machinery = self.machinery
        reasons = [self.started_at, self.checker.moved_at, self.injector.struck_at]
        reasons += [machinery.operated_at, machinery.dropped_at, machinery.maintained_at]
        for item in self.world.table.downloads():
            if not item.is_terminal:
                reasons += [item.next_retry_at, item.parked_until]
        bound_s = self.world.lease_s + 2 * PERIOD_S + self.setup.workload.knobs.policy.max_s + 2 * SECONDS_A_TRACK
        return max(filter(None, reasons)) + timedelta(seconds=bound_s)

    def _check_ends(self) -> None:
        """Each root has ended as the workload says; a caller who asked again may have made one more.

        Of a random run, one that was cancelled stays so where its retry was refused: its content has
        been asked for again, or its user has no room.
        """
        ends = Counter(root.state for root in self.world.table.roots())
        expected = Counter({state: count for state, count in self.setup.workload.ends.items() if count})
        acts, holds = self.setup.acts, self.setup.workload.ends_hold
        is_as_usual = all(DEEDS[act.deed].leaves_ends and holds for act in acts) and (holds or not self.injector.blows)
        if not is_as_usual:
            is_right = ends.keys() <= {State.COMPLETED, State.FAILED, State.CANCELLED, State.PAUSED}
        elif self.setup.is_gentle:
            is_right = ends.keys() == expected.keys() and ends >= expected
        else:
            is_right = ends.keys() <= {State.COMPLETED, State.FAILED, *([State.CANCELLED] if acts else [])}
        self.checker.that(is_right, "ends", f"roots ended {dict(ends)}, expected {dict(expected)}")
        limit, peak = self.setup.workload.limit, self.world.provider.peak
        if self.setup.is_gentle and not self.injector.blows and limit and not self.machinery.operated_at:
            self.checker.that(peak <= limit, "I22", f"{peak} bodies at once, {limit} are allowed")


def simulate(setup: Setup) -> Outcome:
    """Run a workload to its end and check it."""
    simulation = _build(setup)
    simulation.scheduler.run(simulation.is_over)
    return simulation.finish()


def _build(setup: Setup) -> Simulation:
    """One world, and everything that runs in it, on dice of one seed."""
    workload, knobs = setup.workload, setup.workload.knobs
    log = WatchedLog()
    world = replace(World.of(limit=workload.limit, seed=setup.seed), log=log)
    world = setup.sabotage(world) if setup.sabotage else world
    world.bell.visibility_s = VISIBILITY_S
    scheduler = Scheduler(world.clock, Random(f"turns {setup.seed}"), setup.stickiness)
    world.provider.wait = scheduler.sleep
    world.provider.kill = lambda: scheduler.process.die() if scheduler.process else None
    machinery = Machinery(
        world=world, scheduler=scheduler, knobs=knobs, chances=setup.chances, dice=Random(f"chances {setup.seed}")
    )
    checker = Checker(
        world=world,
        scheduler=scheduler,
        knobs=knobs,
        skew=timedelta(seconds=setup.chances.skew_s),
        broken=machinery.broken,
    )
    injector = Injector(scheduler, setup.plan, world.lease_s * PAUSE_LEASES, is_tracing=setup.is_tracing)
    workload.arrange(machinery)
    simulation = Simulation(
        setup=setup,
        world=world,
        scheduler=scheduler,
        machinery=machinery,
        checker=checker,
        injector=injector,
        started_at=world.clock.time,
    )
    injector.interrupt = simulation.interrupt
    checker.cancelled = machinery.cancelled
    machinery.has_closed = checker.has_closed
    if len(setup.acts) == 1 and setup.plan is no_faults and not setup.acts[0].is_beside:
        machinery.has_cancelled = checker.has_cancelled
    checker.watch()
    log.lease_lost = checker.lease_lost
    world.calls.around = simulation.around
    machinery.start()
    return simulation
