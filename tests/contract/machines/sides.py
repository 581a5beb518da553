"""The two sides of each machine: the ports in memory, and the adapters on the emulator."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any, Final, NamedTuple, cast

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from typing_extensions import override

from cratekeeper.adapters.dynamodb.idempotency import DynamoIdempotency
from cratekeeper.domain.errors import CratekeeperError
from cratekeeper.domain.writes import Write
from cratekeeper.ports import DownloadStore, Permits
from tests.contract.conftest import LIMIT, SetControl, queue_on
from tests.contract.emulator import Emulator, create_table
from tests.memory.virtual import SkewedClock
from tests.memory.world import World
from tests.support.crash import Killed
from tests.support.crate import Crate, Knobs

_numbers: Final = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One queue table, and a world whose services use it; time and names are alike on every side.

    `world.table` has items in memory only: what a machine reads, it reads through the ports.
    """

    name: str
    world: World
    set_control: SetControl
    forget: Callable[[], object] = lambda: None

    @property
    def store(self) -> DownloadStore:
        """The items."""
        return self.world.store

    def lose_an_answer(self) -> None:
        """Have the next transaction sent twice."""
        store: Any = self.world.store
        store.is_losing = True

    def keep_answers(self) -> None:
        """Lose none any more, if none was lost."""
        store: Any = self.world.store
        store.is_losing = False

    @property
    def permits(self) -> Permits:
        """The control item."""
        return self.world.permits

    def crate(self, knobs: Knobs, *, skew_s: float = 0.0) -> Crate:
        """The services, built anew as at a cold start, on a machine whose clock may be wrong."""
        if not skew_s:
            return Crate(self.world, knobs)
        clock: Any = SkewedClock(true=self.world.clock, skew=timedelta(seconds=skew_s))
        return Crate(replace(self.world, clock=clock), knobs)


class Repeating:
    """A store whose next transaction is sent twice, as an SDK does that lost the first answer."""

    def __init__(self, store: DownloadStore) -> None:
        self._store = store
        self.is_losing = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, *writes: Write) -> None:
        if self.is_losing:
            self.is_losing = False
            self._store.commit(*writes)
        self._store.commit(*writes)


def in_memory() -> Side:
    """Ports in memory."""
    world = World.of(limit=LIMIT)
    store: Any = Repeating(world.store)
    world = replace(world, store=store)

    def set_control(*, limit: int | None, paused: bool = False) -> None:
        world.table.control = replace(world.table.control, limit=limit, paused=paused)

    return Side(name="memory", world=world, set_control=set_control)


def on_emulator(emulator: Emulator) -> Side:
    """The real adapters on a fresh table, which goes when the machine is done."""
    client = emulator.aws.dynamodb
    name = create_table(client, f"Machine-{next(_numbers)}", "QueueTable")
    queue = queue_on(emulator, name)
    ports: Any = {
        "store": Repeating(queue.store),
        "permits": queue.permits,
        "idempotency": DynamoIdempotency(client, name),
    }
    world = replace(World.of(limit=LIMIT), **ports)
    return Side(
        name="emulator", world=world, set_control=queue.set_control, forget=lambda: client.delete_table(TableName=name)
    )


def both(emulator: Emulator | None) -> tuple[Side, ...]:
    """Memory, and the emulator if there is one."""
    return (in_memory(), on_emulator(emulator)) if emulator else (in_memory(),)


class Answer(NamedTuple):
    """What a call said: its value, or the error's name and attributes."""

    value: Any = None
    error: str = ""
    said: dict[str, Any] | None = None


class Compared(RuleBasedStateMachine):
    """A machine that does everything on each side, and lets no two answers differ."""

    def __init__(self, sides: Sequence[Side]) -> None:
        super().__init__()
        self.sides = sides

    def ask(self, call: Callable[[Side], object]) -> Answer:
        """The answer of every side."""
        first, *others = [_answer(call, side) for side in self.sides]
        for side, other in zip(self.sides[1:], others, strict=True):
            assert other == first, f"{side.name} says {other}, {self.sides[0].name} {first}"
        return first

    @override
    def teardown(self) -> None:
        for side in self.sides:
            side.forget()


def _answer(call: Callable[[Side], object], side: Side) -> Answer:
    try:
        return Answer(call(side))
    except Killed as death:
        return Answer(next(iter(death.args), None), error="Killed")
    except CratekeeperError as error:
        return Answer(error=type(error).__name__, said=cast("dict[str, Any]", {**vars(error)}))


def run(machine: Callable[[], Compared], bounds: settings) -> None:
    """Run a machine; a story that goes wrong is told, the shortest of its kind."""
    factory: Any = machine  # a function that makes one will do, whatever its type says
    run_state_machine_as_test(factory, settings=bounds)
