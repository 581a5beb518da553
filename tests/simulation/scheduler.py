"""Actors that take turns at every call of a port, on virtual time: the same seed gives the same run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from greenlet import getcurrent, greenlet

from tests.memory.virtual import VirtualClock


class Crash(BaseException):
    """The process dies here: nothing catches this, and nothing that runs after it reaches the world."""


@dataclass(slots=True, eq=False)
class Process:
    """What dies, stalls and forgets together: a function's invocation with its heartbeat.

    While one that is urgent can go on, nobody else does.
    """

    name: str
    skew: timedelta = timedelta()
    is_urgent: bool = False
    is_dead: bool = False
    frozen_until: datetime | None = None
    is_message_lost: bool = False
    actors: list["Actor"] = field(default_factory=list)
    at_death: Callable[[], None] | None = None

    def die(self) -> None:
        """End the process at the call in hand."""
        self.is_dead = True
        raise Crash(self.name)

    @property
    def is_over(self) -> bool:
        """Whether none of its actors is left."""
        return not self.actors


@dataclass(slots=True, eq=False)
class Actor:
    """One thread of a process; it runs until it waits for a time or a condition."""

    name: str
    process: Process
    wake_at: datetime
    thread: greenlet = field(default_factory=greenlet)
    until: Callable[[], bool] | None = None

    def is_ready(self, now: datetime) -> bool:
        """Whether it can go on now."""
        if self.wake_at > now or (self.process.frozen_until and self.process.frozen_until > now):
            return False
        return self.until is None or self.until()


@dataclass(slots=True, eq=False)
class Scheduler:
    """Chooses by its dice who goes on; time moves on only when nobody can.

    `stickiness` is the share of turns in which the same actor simply goes on. `alarms` tell of
    times at which something happens that no actor waits for; `raised` collects what an actor let
    fly that it should not have.
    """

    clock: VirtualClock
    dice: Random
    stickiness: float = 0.5
    actors: list[Actor] = field(default_factory=list)
    current: Actor | None = None
    is_stopped: bool = False
    alarms: list[Callable[[], datetime | None]] = field(default_factory=list)
    raised: list[tuple[str, Exception]] = field(default_factory=list)
    _hub: greenlet = field(default_factory=getcurrent)

    @property
    def process(self) -> Process | None:
        """Whose turn it is; None outside of any actor."""
        return self.current.process if self.current else None

    def spawn(self, name: str, process: Process, run: Callable[[], object]) -> Actor:
        """A new actor of a process; it starts at one of the next turns."""
        actor = Actor(name, process, self.clock.time)
        actor.thread = greenlet(lambda: self._live(actor, run), self._hub)
        self.actors.append(actor)
        process.actors.append(actor)
        return actor

    def turn(self) -> None:
        """Let somebody else go on, perhaps."""
        self._wait()

    def sleep(self, seconds: float) -> None:
        """Wait for a time."""
        if self.current:
            self.current.wake_at = self.clock.time + timedelta(seconds=seconds)
            self._wait()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition."""
        if self.current:
            actor, self.current.until = self.current, condition
            self._wait()
            actor.until = None

    def freeze(self, process: Process, seconds: float) -> None:
        """Stop a whole process for a time, as a suspended machine does."""
        process.frozen_until = self.clock.time + timedelta(seconds=seconds)
        self._wait()

    def stop(self, actor: Actor) -> None:
        """End an actor that waits; one that is on its way out already is left alone."""
        if actor in self.actors and actor is not self.current:
            self._unwind(actor)

    def run(self, is_over: Callable[[], bool]) -> None:
        """Let everybody act until `is_over`, which is asked whenever nobody can go on."""
        while not self.is_stopped:
            now = self.clock.time
            ready = [actor for actor in self.actors if actor.is_ready(now)]
            if ready:
                self._resume(self._choose([actor for actor in ready if actor.process.is_urgent] or ready))
            elif is_over() or not self._pass_time():
                break
        self._end()

    def _choose(self, ready: list[Actor]) -> Actor:
        if len(ready) == 1:
            return ready[0]
        if self.current in ready and self.dice.random() < self.stickiness:
            return self.current
        return ready[self.dice.randrange(len(ready))]

    def _resume(self, actor: Actor) -> None:
        self.current = actor
        actor.thread.switch()
        if actor.process.is_dead:
            self._bury(actor.process)

    def _pass_time(self) -> bool:
        """Go to the next time at which anything happens; False if nothing ever will."""
        times = [self._wakes_at(actor) for actor in self.actors if actor.until is None]
        times += [at for alarm in self.alarms if (at := alarm())]
        if not times:
            return False
        self.clock.time = max(self.clock.time, min(times))
        return True

    def _wakes_at(self, actor: Actor) -> datetime:
        frozen_until = actor.process.frozen_until
        return max(actor.wake_at, frozen_until) if frozen_until else actor.wake_at

    def _wait(self) -> None:
        """Go back to the hub until it is this actor's turn again."""
        actor = self.current
        if actor is None:
            return
        if not actor.process.is_dead:
            self._hub.switch()
        if actor.process.is_dead:
            raise Crash(actor.process.name)

    def _live(self, actor: Actor, run: Callable[[], object]) -> None:
        try:
            run()
        except Crash:
            return
        except Exception as error:  # noqa: BLE001 - whatever flies out of a service is a finding
            self.raised.append((actor.name, error))
        finally:
            self._forget(actor)

    def _forget(self, actor: Actor) -> None:
        with suppress(ValueError):
            self.actors.remove(actor)
            actor.process.actors.remove(actor)

    def _bury(self, process: Process) -> None:
        """Unwind what is left of a dead process; its dying words do not reach the world."""
        for actor in list(process.actors):
            self.current = actor
            self._unwind(actor)
        self.current = None
        if process.at_death:
            process.at_death()
            process.at_death = None

    def _unwind(self, actor: Actor) -> None:
        self._forget(actor)
        actor.thread.parent = getcurrent()
        with suppress(Crash):  # it comes back from an actor that has not begun
            actor.thread.throw(Crash(actor.process.name))

    def _end(self) -> None:
        for actor in list(self.actors):
            actor.process.is_dead = True
            actor.process.at_death = None
            self._bury(actor.process)
        self.current = None


@dataclass(slots=True)
class _Heart:
    is_beating: bool = False
    is_stopped: bool = False


@dataclass(frozen=True, slots=True)
class ActorPulse:
    """A heartbeat that is an actor of its worker's process, and dies and stalls with it."""

    scheduler: Scheduler
    process: Process

    @contextmanager
    def beating(self, beat: Callable[[], float | None], *, first_s: float) -> Iterator[None]:
        heart = _Heart()
        actor = self.scheduler.spawn(
            f"{self.process.name} heart", self.process, lambda: self._live(heart, beat, first_s)
        )
        try:
            yield
        finally:
            heart.is_stopped = True
            if not self.process.is_dead and heart.is_beating:
                self.scheduler.wait_until(lambda: not heart.is_beating)
            self.scheduler.stop(actor)

    def _live(self, heart: _Heart, beat: Callable[[], float | None], first_s: float) -> None:
        next_s: float | None = first_s
        while next_s is not None:
            self.scheduler.sleep(next_s)
            if heart.is_stopped:
                return
            heart.is_beating = True
            try:
                next_s = beat()
            finally:
                heart.is_beating = False
