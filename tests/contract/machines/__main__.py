"""`python -m tests.contract.machines`: longer stories, in memory and on the emulator, from a seed."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from hypothesis import HealthCheck, seed, settings

from tests.contract.emulator import Emulator, running
from tests.contract.machines import MACHINES
from tests.contract.machines.sides import Compared, both, run


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.contract.machines", description=__doc__)
    parser.add_argument("--examples", type=int, default=1_000, help="stories of each machine in memory")
    parser.add_argument("--on-emulator", type=int, default=50, help="and on the emulator, answers compared")
    parser.add_argument("--steps", type=int, default=50, help="steps of each story")
    parser.add_argument("--seed", type=int, default=0, help="of all stories")
    parser.add_argument("--machine", choices=sorted(MACHINES), help="only this one")
    return parser.parse_args()


def main() -> int:
    """Run the machines; a story that goes wrong is told, the shortest, and ends the program with an error."""
    options = _options()
    names = [options.machine] if options.machine else list(MACHINES)
    _tell(f"seed        {options.seed}")
    for name in names:
        _run(name, options, options.examples, None)
    if options.on_emulator:
        with TemporaryDirectory() as folder, running(Path(folder)) as emulator:
            for name in names:
                _run(name, options, options.on_emulator, emulator)
    return 0


def _run(name: str, options: Namespace, examples: int, emulator: Emulator | None) -> None:
    """One machine on one backend."""
    started, made = monotonic(), 0

    @seed(options.seed)
    def machine() -> Compared:
        nonlocal made
        made += 1
        return MACHINES[name](both(emulator))

    bounds = settings(
        max_examples=examples,
        stateful_step_count=options.steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run(machine, bounds)
    where = "emulator" if emulator else "memory"
    _tell(f"{name:22} {where:9} {made} x {options.steps} steps, 0 differences, {monotonic() - started:.0f} s")


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
