"""What the reference album may cost: 12 tracks and 2 images, one artist, limit 3, one attempt.

The budget and its figures step by step are printed by `make bench`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cratekeeper_local.provider.child import Provider
from cratekeeper_local.provider.child import running as provider_running
from tests.bench import album, rig
from tests.bench.album import CHILDREN, Bill
from tests.bench.meter import Call
from tests.bench.steps import Step, step_of
from tests.contract.emulator import Emulator
from tests.facts import template


@dataclass(frozen=True, slots=True)
class Most:
    """Per track: requests on the wire, write and read units."""

    calls: float
    wru: float
    rru: float


# One worker and a fixed album: the same calls in every run. The ceilings are what was measured when they were
# set, and a few calls of the album above it, for a day or an hour that ends between the warm-up and the album.
# Who makes it cheaper lowers them; who must raise them says in the commit what the money buys.
CEILINGS = {"3": Most(calls=9.3, wru=16.1, rru=2.8), "-1": Most(calls=7.6, wru=14.7, rru=4.6)}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with provider_running() as started:
        yield started


@pytest.fixture(scope="module", params=CEILINGS, ids=lambda limit: f"limit {limit}")
def limit(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def bill(emulator: Emulator, provider: Provider, limit: str) -> Bill:
    with album.warm(emulator, provider, limit=limit) as deployment:
        return album.bill(deployment)


def of_step(bill: Bill, step: Step) -> list[Call]:
    return [call for call in bill.calls if call.phase != rig.MAPPING and step_of(call) is step]


def test_a_track_costs_no_more_than_its_ceiling(bill: Bill, limit: str) -> None:
    most, units = CEILINGS[limit], bill.units
    assert bill.ours / CHILDREN <= most.calls
    assert units.wru / CHILDREN <= most.wru
    assert units.rru / CHILDREN <= most.rru


def test_each_file_is_one_put_and_nothing_else(bill: Bill) -> None:
    assert [call.operation for call in of_step(bill, Step.LAND)] == ["PutObject"] * CHILDREN
    assert (bill.units.puts, bill.units.gets) == (CHILDREN, 0)


@pytest.mark.parametrize("step", [Step.CLAIM, Step.MEDIA, Step.COMPLETE, Step.SETTLE])
def test_each_child_takes_one_single_write_a_step(bill: Bill, step: Step) -> None:
    calls = of_step(bill, step)
    assert len(calls) == CHILDREN
    assert {(call.units.wru, len(call.keys), call.is_refused) for call in calls} == {(1, 1, False)}


def test_a_working_album_writes_nothing_in_vain(bill: Bill) -> None:
    assert [call for call in bill.calls if call.is_refused or call.attempts != 1] == []


def test_every_call_belongs_to_a_step(bill: Bill) -> None:
    assert of_step(bill, Step.OTHER) == []


def test_the_emulator_bills_as_the_meter_does(bill: Bill) -> None:
    told = [call for call in bill.calls if call.reported is not None]
    assert len(told) > CHILDREN * 4
    assert [
        (call.operation, call.keys, call.units) for call in told if call.reported != call.units.wru + call.units.rru
    ] == []


def test_the_rig_plays_what_the_template_says() -> None:
    stream = template.function_of("projector").events("DynamoDB")["Changes"]
    queues = template.function_of("processor").events("SQS").values()
    assert stream["BatchSize"] == rig.STREAM_BATCH
    assert {queue["BatchSize"] for queue in queues} == {rig.MESSAGE_BATCH}
    assert template.properties("ProcessorFunction")["MemorySize"] == album.WORKER_GB * 1024
