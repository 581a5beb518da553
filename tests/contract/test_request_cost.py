"""What asking for media costs in calls, write and read units, on the wire and by the price rules.

Steady state: the user has asked today before. The queue is full, so that nothing is rung but marked.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cratekeeper import bootstrap
from cratekeeper.domain.idempotency import KeptAnswer, KeyName
from cratekeeper.domain.ids import Seed
from cratekeeper.domain.models import Kind
from cratekeeper.services.requests import NewDownload
from tests.bench.meter import total
from tests.bench.rig import ALICE, Rig, deployed
from tests.contract.emulator import Emulator
from tests.memory.samples import content_id


@dataclass(frozen=True, slots=True)
class Cost:
    """Calls, write units and read units."""

    calls: int
    wru: float
    rru: float


@pytest.fixture(scope="module")
def rig(emulator: Emulator) -> Iterator[Rig]:
    """Three permits, all held, and their lane hungry."""
    with deployed(emulator, "http://127.0.0.1:9", USER_MAX_REQUESTS_PER_DAY="-1", USER_MAX_QUEUE_SIZE="-1") as running:
        for number in range(20):
            running.request(content_id(f"before {number}"), kind=Kind.TRACK)
        yield running


def wishes(prefix: str, count: int) -> list[NewDownload]:
    return [NewDownload(kind=Kind.ALBUM, content_id=content_id(f"{prefix} {number}")) for number in range(count)]


def cost(rig: Rig, prefix: str, count: int = 1, *, key: str | None = None) -> Cost:
    """Of a request for so many albums, as the views make it."""

    def act(seed: Seed) -> KeptAnswer:
        if count == 1:
            item = bootstrap.requests().create(wishes(prefix, 1)[0], caller=ALICE, seed=seed)
            return KeptAnswer(202, item.id, item.id * 20)
        outcomes = bootstrap.batches().create(wishes(prefix, count), caller=ALICE, seed=seed)
        return KeptAnswer(202, None, str([each.download_id for each in outcomes]))

    with rig.meter.measuring() as calls:
        bootstrap.idempotency().run(KeyName("alice", key) if key else None, "f" * 64, act)
    units = total(calls)
    return Cost(sum(call.attempts for call in calls), units.wru, units.rru)


def test_a_request_costs(rig: Rig) -> None:
    """Catalog, transaction of root, lock and slot with four index entries, control item."""
    assert cost(rig, "one") == Cost(3, 10, 2)


def test_a_key_costs_two_calls_and_two_units_more_and_a_repetition_one(rig: Rig) -> None:
    assert cost(rig, "keyed", key="k") == Cost(5, 12, 2)
    assert cost(rig, "keyed", key="k") == Cost(1, 1, 0)


def test_a_batch_of_a_hundred_costs_three_transactions_and_a_few_reads(rig: Rig) -> None:
    found = cost(rig, "batch", 100)
    assert found.calls <= 10
    assert found.wru <= 840
    assert found.rru <= 205


def test_the_key_of_a_batch_costs_as_little(rig: Rig) -> None:
    first, again = cost(rig, "batch keyed", 100, key="b"), cost(rig, "batch keyed", 100, key="b")
    assert first.calls <= 12
    assert (again.calls, again.wru) == (1, 1)
