"""The faults, and the hook that makes them at a chosen call of a port."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache, partial
from hashlib import blake2b
from inspect import currentframe
from types import CodeType
from typing import Any

from cratekeeper.domain.errors import CratekeeperError, TransferFailed, Unavailable
from cratekeeper.domain.failures import ErrorType
from tests.simulation.scheduler import Crash, Process, Scheduler

SERVICES = "cratekeeper.services."


class Fault(StrEnum):
    """What can happen to one call."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    REPEAT = "answer lost, repeated"
    THROTTLE = "throttled"
    PAUSE = "paused past the lease"
    LOST = "answer lost for good"


MESSAGE_LOST = ", message lost"
CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)


@dataclass(frozen=True, slots=True)
class Blow:
    """A fault at one call; after a crash, whether the worker's message is lost as well."""

    fault: Fault
    index: int
    is_message_lost: bool = False

    def told(self) -> str:
        """For people, and for `Blow.of`."""
        return f"{self.fault}@{self.index}{MESSAGE_LOST if self.is_message_lost else ''}"

    @classmethod
    def of(cls, text: str) -> "Blow":
        """The way back; ValueError for any other text."""
        fault, _, index = text.removesuffix(MESSAGE_LOST).rpartition("@")
        return cls(Fault(fault), int(index), text.endswith(MESSAGE_LOST))


Plan = Callable[[int], Blow | None]
"""Which fault, if any, strikes the call of this number."""


def no_faults(index: int) -> None:
    """Nothing happens."""
    del index


def also(plan: Plan, blows: Sequence[Blow]) -> Plan:
    """A plan, and faults at further calls."""
    by_index = {blow.index: blow for blow in blows}

    def choose(index: int) -> Blow | None:
        planned = plan(index)
        return by_index.get(index, planned)

    return choose


def some_faults(seed: int, *, rate: float, calls: int) -> Plan:
    """Each of the first `calls` calls is struck with probability `rate`; it remembers nothing."""
    faults = tuple(Fault)

    def choose(index: int) -> Blow | None:
        if index >= calls:
            return None
        word = int.from_bytes(blake2b(f"{seed} {index}".encode(), digest_size=8).digest())
        word, chance = divmod(word, 1_000_000)
        if chance >= rate * 1_000_000:
            return None
        word, fault = divmod(word, len(faults))
        return Blow(faults[fault], index, is_message_lost=bool(word % 2))

    return choose


@dataclass(slots=True)
class Injector:
    """Every call of a port passes here: others get their turn, then a fault may strike.

    `interrupt` is told the number of each call before it is made, and whether it began something
    that may come before it. `sites` are the calls seen, by number: service function and port's method; `callers` the
    processes that made them. `digest` is of all
    that happened, so two runs are equal if their digests are. `lines` are kept if `is_tracing`.
    """

    scheduler: Scheduler
    plan: Plan
    pause_s: float
    interrupt: Callable[[int], bool] = lambda _: False
    is_tracing: bool = False
    sites: list[str] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)
    blows: list[tuple[str, Blow]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    struck_at: datetime | None = None
    _digest: Any = field(default_factory=partial(blake2b, digest_size=8))

    @property
    def digest(self) -> str:
        """Of the order, the times and the outcome of all calls."""
        return str(self._digest.hexdigest())

    def __call__(self, method: str, call: Callable[[], Any]) -> Any:
        process = self.scheduler.process
        if process is None:
            return call()
        if process.is_dead:
            raise Crash(process.name)
        site = _site(method)
        self.scheduler.turn()
        while self.interrupt(len(self.sites)):
            self.scheduler.turn()
        index = len(self.sites)
        self.sites.append(site)
        self.callers.append(process.name)
        blow = self.plan(index)
        outcome = "ok"
        try:
            return call() if blow is None else self._strike(blow, site, process, call)
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            self._note(index, site, blow, outcome, call)

    def _strike(self, blow: Blow, site: str, process: Process, call: Callable[[], Any]) -> Any:
        self.blows.append((site, blow))
        self.struck_at = self.scheduler.clock.time
        process.is_message_lost = blow.is_message_lost
        is_provider = ":provider." in site
        match blow.fault:
            case Fault.CRASH_BEFORE:
                process.die()
            case Fault.PAUSE:
                self.scheduler.freeze(process, self.pause_s)
            case Fault.THROTTLE:
                raise TransferFailed(ErrorType.BUSY, "busy") if is_provider else Unavailable("throttled")
            case Fault.CRASH_AFTER | Fault.REPEAT | Fault.LOST:
                with suppress(CratekeeperError):
                    call()
        match blow.fault:
            case Fault.CRASH_AFTER:
                process.die()
            case Fault.LOST:
                raise TransferFailed(ErrorType.CONNECTION, "lost") if is_provider else Unavailable("answer lost")
            case Fault.REPEAT:
                self.scheduler.turn()
            case _:
                pass
        return call()

    def _note(self, index: int, site: str, blow: Blow | None, outcome: str, call: Callable[[], Any]) -> None:
        actor, time = self.scheduler.current, self.scheduler.clock.time
        name = actor.name if actor else ""
        line = f"{index} {time:%H:%M:%S.%f} {name} {site} {blow.fault if blow else ''} {outcome}"
        self._digest.update(line.encode())
        if self.is_tracing:
            self.lines.append(f"{line} {_arguments(call)}")


def _arguments(call: Callable[[], Any]) -> str:
    if not isinstance(call, partial):
        return ""
    shown = [repr(each) for each in call.args[1:]] + [f"{name}={each!r}" for name, each in call.keywords.items()]
    return ", ".join(text if len(text) < 400 else f"{text[:400]}…" for text in shown)


def _site(method: str) -> str:
    """The service function that makes the call, and the port's method."""
    frame = currentframe()
    while frame is not None:
        module = frame.f_globals["__name__"]
        if module.startswith(SERVICES):
            return f"{_function(module, frame.f_code)}:{method}"
        frame = frame.f_back
    return f"actor:{method}"


@cache
def _function(module: str, code: CodeType) -> str:
    return f"{module.removeprefix(SERVICES)}.{code.co_qualname.partition('.<locals>')[0]}"
