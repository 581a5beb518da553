"""No look at the queue gets dearer as the queue gets longer: in calls, and in read units by the price rules.

The real views and adapters on tables in memory, whose bill is compared with the emulator's.
"""

from collections.abc import Iterator

import pytest

from cratekeeper.api.routing import find
from functions.admin import handler as admin
from functions.requests import handler as requests
from tests.bench.crowd import Crowd
from tests.bench.door import Ask, opened
from tests.bench.meter import total
from tests.bench.rig import deployed
from tests.bench.scale import FEW, LOOKS, Cost, Look, at, billed, replicated
from tests.contract.emulator import Emulator
from tests.memory.virtual import VirtualClock
from tests.support.builders import root_id

SOME, MANY = 2_400, 3_200
"""Beyond every bound of 1,000, and far beyond."""

Costs = dict[str, Cost]

TABLES = {**requests.ROUTES, **admin.ROUTES}
ELSEWHERE = "/v1/admin/jobs"
"""Jobs are no part of the queue."""


@pytest.fixture(scope="module")
def costs() -> tuple[Costs, Costs, Costs]:
    few, some, many = at((FEW, SOME, MANY))
    return few, some, many


@pytest.fixture(scope="module")
def on_emulator(emulator: Emulator) -> Iterator[Costs]:
    with deployed(emulator, "http://127.0.0.1:9") as rig:
        clock = VirtualClock()
        with opened(clock=clock, worker=None) as door:
            crowd = Crowd(emulator.aws.dynamodb, rig.names["QUEUE_TABLE"], clock.now())
            crowd.begin()
            crowd.queue(1, FEW)
            found = {}
            for look in LOOKS:
                with rig.meter.measuring() as calls:
                    door.call(look.ask)
                found[look.name] = Cost(len(calls), total(calls).rru)
            yield found


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
@pytest.mark.case("Q-12")
@pytest.mark.case("Q-15")
def test_no_look_costs_more_with_a_longer_queue(costs: tuple[Costs, Costs, Costs], look: Look) -> None:
    few, some, many = (each[look.name] for each in costs)
    assert (many.calls, many.rru) <= (some.calls, some.rru)
    if look.bound:
        assert (some.calls <= look.bound.calls, some.rru <= look.bound.rru) == (True, True), some
    else:
        assert some == few


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_the_emulator_bills_a_look_alike(costs: tuple[Costs, Costs, Costs], on_emulator: Costs, look: Look) -> None:
    assert on_emulator[look.name] == costs[0][look.name]


def test_there_is_a_look_at_every_route() -> None:
    routes = {key for key in TABLES if key.startswith("GET ") and ELSEWHERE not in key}
    shown = {found.methods["GET"] for look in LOOKS if (found := find(TABLES, look.ask.route.removeprefix("GET ")))}
    assert shown == routes


@pytest.mark.case("Q-15")
def test_a_list_reads_the_items_that_it_shows_and_one_more() -> None:
    with replicated() as (door, replica, crowd):
        crowd.queue(1, 1_001)
        with billed(replica) as reads:
            page = door.call(Ask("GET /v1/downloads", query={"limit": "200"}))
        assert (len(page["items"]), page["next_cursor"] is None) == (200, False)
        assert sum(read.examined for read in reads if read.operation == "BatchGetItem") <= 201 + 2  # capacity windows
        assert door.call(Ask(f"GET /v1/downloads/{root_id(1)}"))["id"] == root_id(1)
