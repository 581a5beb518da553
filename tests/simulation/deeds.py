"""What people and operators do to a running system: each deed begins at a chosen call of a run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Final, TypeVar

from cratekeeper.domain.access import Caller
from cratekeeper.domain.actions import Action
from cratekeeper.domain.errors import (
    AlreadyInCatalog,
    AlreadyQueued,
    CratekeeperError,
    InvalidState,
    LimitReached,
    NotFound,
    Unavailable,
)
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Download, Kind
from cratekeeper.domain.states import State
from cratekeeper.services.control import QueueControl
from cratekeeper.services.requests import NewDownload
from tests.simulation.processes import Machinery
from tests.simulation.scheduler import Process
from tests.support.crate import ADMIN, ALICE, BOB, Crate

STEERING: Final = "steering"
"""How the names begin of the processes that serve a deed."""

BESIDE: Final = ", beside"
TRIES: Final = 40
AGAIN_S: Final = 5.0
LATER_S: Final = 40.0
PAUSE_S: Final = 100.0

ANSWERS: Final = (NotFound, InvalidState, AlreadyQueued, AlreadyInCatalog, LimitReached)
"""Refusals that are answers: asking again would say the same."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Act:
    """A deed that begins at one call of a run.

    Its first step is done before that call, and before anybody else does anything; if it
    `is_beside`, others take their turns meanwhile.
    """

    deed: str
    index: int
    is_beside: bool = False

    def told(self) -> str:
        """For people, and for `Act.of`."""
        return f"{self.deed}@{self.index}{BESIDE if self.is_beside else ''}"

    @classmethod
    def of(cls, text: str) -> "Act":
        """The way back; ValueError for any other text."""
        deed, _, index = text.removesuffix(BESIDE).rpartition("@")
        if deed not in DEEDS:
            raise ValueError(text)
        return cls(deed, int(index), text.endswith(BESIDE))


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody who asks until there is an answer."""

    machinery: Machinery
    process: Process
    refused: list[CratekeeperError] = field(default_factory=list)
    _root: str | None = None

    def ask(self, call: Callable[[Crate], T]) -> T | None:
        """The answer; None if it was a refusal."""
        scheduler = self.machinery.scheduler
        for _ in range(TRIES):
            answers: list[T | None] = []
            server = self.machinery.process(STEERING)
            server.is_urgent = self.process.is_urgent
            scheduler.spawn(server.name, server, lambda: self._serve(server, call, answers))  # noqa: B023
            scheduler.wait_until(lambda: server.is_over)  # noqa: B023
            self.process.is_urgent = False
            self.machinery.operated_at = max(self.machinery.operated_at or scheduler.clock.time, scheduler.clock.time)
            if answers:
                return answers[0]
            scheduler.sleep(AGAIN_S)
        return None

    def _serve(self, server: Process, call: Callable[[Crate], T], answers: list[T | None]) -> None:
        try:
            answers.append(call(self.machinery.cold_start(server)))
        except Unavailable:
            return
        except ANSWERS as refusal:
            self.refused.append(refusal)
            answers.append(None)

    def act(self, download_id: str | None, action: Action, *, by: Caller = ALICE, lane: Lane | None = None) -> None:
        """One of the actions of the contract."""
        if download_id is None:
            return
        after = self.ask(lambda crate: crate.steer.act(download_id, action, caller=by, lane=lane))
        if after and action is Action.CANCEL and after.state is State.CANCELLED:
            self.machinery.cancelled[after.id] = after.round
            self.machinery.has_cancelled(after)

    def sleep(self, seconds: float) -> None:
        """Wait for a time."""
        self.machinery.scheduler.sleep(seconds)

    @property
    def root(self) -> str | None:
        """The first download that there was."""
        self._root = self._root or min((root.id for root in self.machinery.world.table.roots()), default=None)
        return self._root

    @property
    def child(self) -> str | None:
        """Its first child that has not ended, or its first child."""
        children = list(self._children())
        active = [child for child in children if not child.is_terminal]
        return next((child.id for child in [*active, *children]), None)

    def _children(self) -> Iterator[Download]:
        return iter(self.machinery.world.family(self.root or ""))


def _cancel(person: Person) -> None:
    person.act(person.root, Action.CANCEL)


def _cancel_child(person: Person) -> None:
    person.act(person.child, Action.CANCEL)


def _cancel_and_retry(person: Person) -> None:
    person.act(person.root, Action.CANCEL)
    person.sleep(LATER_S)
    person.act(person.root, Action.RETRY)


def _cancel_and_retry_at_once(person: Person) -> None:
    """The worker of the cancelled attempt has not noticed anything yet."""
    person.act(person.root, Action.CANCEL)
    person.act(person.root, Action.RETRY)


def _cancel_and_retry_child(person: Person) -> None:
    child = person.child
    person.act(child, Action.CANCEL)
    person.sleep(LATER_S)
    person.act(child, Action.RETRY)


def _pause(person: Person) -> None:
    person.act(person.root, Action.PAUSE)


def _pause_and_resume(person: Person) -> None:
    person.act(person.root, Action.PAUSE)
    person.sleep(PAUSE_S)
    person.act(person.root, Action.RESUME)


def _pause_and_resume_at_once(person: Person) -> None:
    person.act(person.root, Action.PAUSE)
    person.act(person.root, Action.RESUME)


def _pause_and_resume_child(person: Person) -> None:
    child = person.child
    person.act(child, Action.PAUSE)
    person.sleep(PAUSE_S)
    person.act(child, Action.RESUME)


def _pause_and_cancel(person: Person) -> None:
    person.act(person.root, Action.PAUSE)
    person.sleep(LATER_S)
    person.act(person.root, Action.CANCEL)


def _pause_child_then_all(person: Person) -> None:
    """A child is paused by itself, then its album; the album's resumption wakes both."""
    person.act(person.child, Action.PAUSE)
    _pause_and_resume(person)


def _lower(person: Person) -> None:
    person.act(person.root, Action.PRIORITY, lane=Lane.LOW)


def _raise(person: Person) -> None:
    person.act(person.root, Action.PRIORITY, by=ADMIN, lane=Lane.HIGH)


def _lower_and_raise(person: Person) -> None:
    person.act(person.root, Action.PRIORITY, lane=Lane.LOW)
    person.act(person.root, Action.PRIORITY, lane=Lane.NORMAL)


def _force(person: Person) -> None:
    root = person.root
    if root:
        person.ask(lambda crate: crate.steer.retry(root, caller=ADMIN, force=True))


def _force_child(person: Person) -> None:
    child = person.child
    if child:
        person.ask(lambda crate: crate.steer.retry(child, caller=ADMIN, force=True))


def _retry(person: Person) -> None:
    """The owner's retry as soon as the download has ended."""
    table = person.machinery.world.table
    person.process.is_urgent = False
    person.machinery.scheduler.wait_until(lambda: any(root.is_terminal for root in table.roots()))
    person.act(person.root, Action.RETRY)


def _retry_child(person: Person) -> None:
    """The retry of a child that failed, as soon as it has."""
    table = person.machinery.world.table
    person.process.is_urgent = False

    def failed() -> list[str]:
        return [each.id for each in table.downloads() if not each.is_root and each.state is State.FAILED]

    person.machinery.scheduler.wait_until(lambda: bool(failed()) or any(root.is_terminal for root in table.roots()))
    person.act(next(iter(failed()), None), Action.RETRY)


def _delete(person: Person) -> None:
    root = person.root
    if root:
        person.ask(lambda crate: crate.steer.delete(root, caller=ADMIN))


def _queue(crate: Crate) -> QueueControl:
    world = crate.world
    return QueueControl(permits=world.permits, release=crate.release, clock=world.clock)


def _pause_queue(person: Person) -> None:
    person.ask(lambda crate: _queue(crate).pause(by=ADMIN, reason="works"))
    person.machinery.has_closed()
    person.sleep(PAUSE_S)
    person.ask(lambda crate: _queue(crate).resume(by=ADMIN))


def _pause_queue_for_a_time(person: Person) -> None:
    until = person.machinery.world.clock.now() + timedelta(seconds=PAUSE_S)
    person.ask(lambda crate: _queue(crate).pause(by=ADMIN, resume_at=until))
    person.machinery.has_closed()
    person.sleep(PAUSE_S)


def _limit(person: Person) -> None:
    """The limit is lowered, and raised again above what it was."""
    person.ask(lambda crate: _queue(crate).limit(1, by=ADMIN))
    person.sleep(LATER_S)
    person.ask(lambda crate: _queue(crate).limit(4, by=ADMIN))


def _ask_too(person: Person) -> None:
    """Somebody else asks for the same."""
    asked = next((wanted for wanted, _ in person.machinery.accepted.values()), None)
    if asked:
        wanted = NewDownload(kind=asked.kind, content_id=asked.content_id)
        created = person.ask(lambda crate: crate.requests.create(wanted, caller=BOB))
        if created:
            person.machinery.accepted[created.id] = (wanted, BOB)


def _lose_rings(person: Person) -> None:
    """Every message that is in the queues is lost."""
    person.machinery.world.bell.messages.clear()
    person.machinery.dropped_at = person.machinery.world.clock.time


def _another_album(person: Person) -> None:
    """Another album takes what is left of the hour's capacity."""
    album = person.machinery.world.provider.add_album("Another", tracks=1)
    person.machinery.request(NewDownload(kind=Kind.ALBUM, content_id=album), BOB)


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done, and whether the roots end as they would have without it."""

    run: Callable[[Person], None]
    leaves_ends: bool = False


DEEDS: Final = MappingProxyType({
    "cancel": Deed(_cancel),
    "cancel child": Deed(_cancel_child),
    "cancel, retry": Deed(_cancel_and_retry, leaves_ends=True),
    "cancel, retry at once": Deed(_cancel_and_retry_at_once, leaves_ends=True),
    "cancel child, retry child": Deed(_cancel_and_retry_child),
    "pause": Deed(_pause),
    "pause, resume": Deed(_pause_and_resume, leaves_ends=True),
    "pause, resume at once": Deed(_pause_and_resume_at_once, leaves_ends=True),
    "pause child, resume child": Deed(_pause_and_resume_child, leaves_ends=True),
    "pause child, then all": Deed(_pause_child_then_all, leaves_ends=True),
    "pause, cancel": Deed(_pause_and_cancel),
    "lower": Deed(_lower, leaves_ends=True),
    "raise": Deed(_raise, leaves_ends=True),
    "lower, raise": Deed(_lower_and_raise, leaves_ends=True),
    "force": Deed(_force, leaves_ends=True),
    "force child": Deed(_force_child, leaves_ends=True),
    "retry": Deed(_retry),
    "retry child": Deed(_retry_child),
    "delete": Deed(_delete),
    "pause queue": Deed(_pause_queue, leaves_ends=True),
    "pause queue for a time": Deed(_pause_queue_for_a_time, leaves_ends=True),
    "limit": Deed(_limit, leaves_ends=True),
    "ask too": Deed(_ask_too),
    "lose rings": Deed(_lose_rings, leaves_ends=True),
    "another album": Deed(_another_album),
})


def begin(machinery: Machinery, act: Act) -> None:
    """Send somebody off to do it."""
    person = Process(f"person who does {act.deed}", is_urgent=not act.is_beside)
    machinery.callers += 1

    def live() -> None:
        try:
            DEEDS[act.deed].run(Person(machinery=machinery, process=person))
        finally:
            machinery.callers -= 1

    machinery.scheduler.spawn(person.name, person, live)
