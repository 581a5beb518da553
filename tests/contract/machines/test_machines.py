"""State machines: long random stories of the ports and services, in memory and on the emulator, told by plain models."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.contract.emulator import Emulator
from tests.contract.machines import MACHINES
from tests.contract.machines.sides import Compared, both

SLICE = {"memory": settings(max_examples=60, stateful_step_count=40), "emulator": settings(max_examples=7)}


@pytest.mark.case("T-02", "T-07", "T-08", "I-08", "I-09", "D-02", "L-04", "L-05", "L-07", "L-09", "R-08", "X-09")
@pytest.mark.parametrize("name", MACHINES)
def test_a_long_story_goes_as_the_model_says(name: str, backend: str, request: pytest.FixtureRequest) -> None:
    emulator: Emulator | None = request.getfixturevalue("emulator") if backend == "emulator" else None

    def machine() -> Compared:
        return MACHINES[name](both(emulator))

    bounds = settings(
        SLICE[backend], stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(machine, settings=bounds)
