"""One emulator for the session; fresh tables for each test that asks for them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import Protocol

import pytest

from cratekeeper.adapters.dynamodb.attributes import attribute
from cratekeeper.adapters.dynamodb.control import LIMIT as LIMIT_ATTRIBUTE
from cratekeeper.adapters.dynamodb.control import PAUSED, limit_value
from cratekeeper.adapters.dynamodb.expressions import Expression
from cratekeeper.adapters.dynamodb.keys import CONTROL
from cratekeeper.adapters.dynamodb.patience import Patience
from cratekeeper.adapters.dynamodb.permits import DynamoPermits
from cratekeeper.adapters.dynamodb.store import DynamoDownloadStore
from cratekeeper.adapters.system import SystemDice
from cratekeeper.ports import DownloadStore, Permits
from tests.contract.emulator import Emulator, create_table, running
from tests.memory.world import World

BACKENDS = ("memory", "emulator")
LIMIT = 3
"""The deployment's `max_concurrent` in these tests."""

_numbers = count(1)


class Tables:
    """Names of fresh tables, each made when it is first asked for; they go with the emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._client = emulator.aws.dynamodb
        self._number = next(_numbers)

    @cached_property
    def queue(self) -> str:
        return self._made("QueueTable")

    @cached_property
    def catalog(self) -> str:
        return self._made("CatalogTable")

    @cached_property
    def plays(self) -> str:
        return self._made("PlaysTable")

    @cached_property
    def history(self) -> str:
        return self._made("HistoryTable")

    @cached_property
    def identity(self) -> str:
        return self._made("IdentityTable")

    def _made(self, logical_id: str) -> str:
        return create_table(self._client, f"{logical_id}-{self._number}", logical_id)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("emulator")) as started:
        yield started


@pytest.fixture
def tables(emulator: Emulator) -> Tables:
    return Tables(emulator)


@pytest.fixture(scope="module")
def module_tables(emulator: Emulator) -> Tables:
    """One set for all tests of a module, where they do not disturb each other."""
    return Tables(emulator)


@pytest.fixture(scope="session")
def patience() -> Patience:
    return Patience(dice=SystemDice())


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


class SetControl(Protocol):
    """The lever that later belongs to administrators: limit and pause at run time."""

    def __call__(self, *, limit: int | None, paused: bool = False) -> None: ...


@dataclass(frozen=True, slots=True)
class Queue:
    """The two ports on the queue table."""

    store: DownloadStore
    permits: Permits
    set_control: SetControl


@pytest.fixture
def queue(backend: str, request: pytest.FixtureRequest) -> Queue:
    if backend == "memory":
        return queue_in_memory()
    return queue_on(request.getfixturevalue("emulator"), request.getfixturevalue("tables").queue)


def queue_in_memory() -> Queue:
    world = World.of(limit=LIMIT)

    def set_control(*, limit: int | None, paused: bool = False) -> None:
        world.table.control = replace(world.table.control, limit=limit, paused=paused)

    return Queue(world.store, world.permits, set_control)


def queue_on(emulator: Emulator, table: str) -> Queue:
    client, patience = emulator.aws.dynamodb, Patience(dice=SystemDice())

    def set_control(*, limit: int | None, paused: bool = False) -> None:
        built = Expression()
        built.put(LIMIT_ATTRIBUTE, limit_value(limit))
        built.put(PAUSED, attribute(paused) if paused else None)
        client.update_item(TableName=table, Key=CONTROL, **built.parameters())

    return Queue(
        DynamoDownloadStore(client, table, patience=patience, default_limit=LIMIT),
        DynamoPermits(client, table, default_limit=LIMIT),
        set_control,
    )
