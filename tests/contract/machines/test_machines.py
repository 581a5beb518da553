"""State machines: long random stories, in memory and on the emulator, as plain models tell them."""

import pytest
from hypothesis import HealthCheck, settings

from tests.contract.machines import MACHINES
from tests.contract.machines.sides import Compared, both, run

SLICE = {"memory": (40, 40), "emulator": (5, 30)}
"""Stories, and steps of each; `make prove` tells longer ones."""


@pytest.mark.case("T-02", "T-07", "T-08", "I-08", "I-09", "D-02", "L-04", "L-05", "L-07", "L-09", "R-08", "X-09")
@pytest.mark.parametrize("name", MACHINES)
def test_a_long_story_goes_as_the_model_says(name: str, backend: str, request: pytest.FixtureRequest) -> None:
    emulator = request.getfixturevalue("emulator") if backend == "emulator" else None

    def machine() -> Compared:
        return MACHINES[name](both(emulator))

    stories, steps = SLICE[backend]
    every = list(HealthCheck)
    run(machine, settings(max_examples=stories, stateful_step_count=steps, suppress_health_check=every, database=None))
