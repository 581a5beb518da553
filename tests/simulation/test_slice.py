"""A slice of the long simulation (`make prove`), and reasons to believe it."""

from dataclasses import replace

import pytest

from tests.simulation.deeds import DEEDS, Act
from tests.simulation.defects import DEFECTS, HIDDEN, hunt, hunt_hidden
from tests.simulation.explore import (
    Case,
    Tally,
    enumerate_deeds,
    enumerate_faults,
    enumerate_struck_deeds,
    explore_seeds,
    random_setup,
)
from tests.simulation.faults import Blow, Fault
from tests.simulation.report import findings
from tests.simulation.run import simulate
from tests.simulation.sites import all_sites
from tests.simulation.workloads import WORKLOADS


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_ends_well_without_faults(name: str) -> None:
    outcome = simulate(Case(name).setup())
    assert outcome.violations == []


@pytest.mark.parametrize("name", ["track", "album of 1"])
def test_every_fault_at_every_call_breaks_nothing(name: str) -> None:
    tally = Tally()
    for _ in enumerate_faults(WORKLOADS[name], tally, is_full=True):
        pass
    assert list(findings(tally)) == []
    assert tally.runs > 6 * tally.indexes[name][1]


def test_random_schedules_break_nothing() -> None:
    tally = Tally()
    for _ in explore_seeds(range(100), tally):
        pass
    assert list(findings(tally)) == []


@pytest.mark.parametrize("seed", [3, 16])
def test_a_seed_decides_the_whole_run(seed: int) -> None:
    first, again, other = (simulate(random_setup(each)) for each in (seed, seed, seed + 1))
    assert first.digest == again.digest != other.digest


def test_a_trace_changes_nothing_but_is_told() -> None:
    setup = random_setup(5)
    plain, traced = simulate(setup), simulate(replace(setup, is_tracing=True))
    assert plain.digest == traced.digest
    assert (plain.lines, len(traced.lines)) == ([], len(traced.sites))


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_strikes_the_call_that_it_is_meant_for(fault: Fault) -> None:
    blow = Blow(fault, 7)
    calm, struck = (simulate(Case("track", blows=blows).setup()) for blows in ((), (blow,)))
    assert struck.blows == [(calm.sites[7], blow)]
    assert struck.digest != calm.digest


@pytest.mark.parametrize("blow", [Blow(Fault.REPEAT, 3), Blow(Fault.CRASH_AFTER, 12, is_message_lost=True)])
def test_a_blow_is_read_as_it_was_told(blow: Blow) -> None:
    assert Blow.of(blow.told()) == blow


def test_call_sites_are_read_from_the_services() -> None:
    assert {"settle.Settle._write_set:store.write", "release.Release.ring_again:permits.renew"} <= all_sites()


@pytest.mark.case("L-09", "X-02", "X-06", "X-07")
@pytest.mark.parametrize("deed", DEEDS)
def test_a_deed_at_any_call_breaks_nothing(deed: str) -> None:
    tally, workload = Tally(), replace(WORKLOADS["album of 1"], deeds=(deed,), deeds_at=10, struck_at=1)
    for _ in enumerate_deeds(workload, tally, is_full=False):
        pass
    assert list(findings(tally)) == []


@pytest.mark.parametrize("deed", ["cancel", "cancel, retry at once", "pause, resume", "force", "delete"])
def test_a_fault_in_a_deed_breaks_nothing(deed: str) -> None:
    tally, workload = Tally(), replace(WORKLOADS["album of 3"], deeds=(deed,), struck_at=1)
    for _ in enumerate_struck_deeds(workload, tally, is_full=False):
        pass
    assert list(findings(tally)) == []


@pytest.mark.parametrize("act", [Act("cancel", 3), Act("pause, resume", 12, is_beside=True)])
def test_an_act_is_read_as_it_was_told(act: Act) -> None:
    assert Act.of(act.told()) == act


@pytest.mark.parametrize("name", HIDDEN)
def test_a_seeded_defect_is_found_where_a_deed_meets_it(name: str) -> None:
    assert hunt_hidden(HIDDEN[name])


@pytest.mark.parametrize("name", DEFECTS)
def test_a_seeded_defect_is_found(name: str) -> None:
    assert hunt(DEFECTS[name], seeds=300)
