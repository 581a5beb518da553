"""`python -m tests.simulation`: the long simulation, or one run of it again."""

import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import replace
from time import monotonic

from tests.simulation.deeds import Act
from tests.simulation.explore import (
    Case,
    Tally,
    enumerate_deeds,
    enumerate_faults,
    enumerate_struck_deeds,
    explore_pairs,
    explore_seeds,
    strike_rare_sites,
)
from tests.simulation.faults import Blow
from tests.simulation.report import report, uncovered
from tests.simulation.run import simulate
from tests.simulation.sites import all_sites
from tests.simulation.workloads import WORKLOADS

PROGRESS_S = 10.0


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000, help="random schedules, after the enumeration")
    parser.add_argument("--first", type=int, default=0, help="the first of their seeds")
    parser.add_argument("--pairs", type=int, default=1_000, help="pairs of faults, before them")
    parser.add_argument("--seconds", type=float, help="stop after so many seconds")
    parser.add_argument("--workload", choices=sorted(WORKLOADS), help="only this one")
    parser.add_argument("--full", action="store_true", help="strike every call of the long workloads too")
    parser.add_argument("--seed", type=int, help="one random schedule again")
    parser.add_argument("--blow", type=Blow.of, action="append", default=[], help="one run again: 'throttled@17'")
    parser.add_argument("--act", type=Act.of, action="append", default=[], help="what is done then: 'cancel@17'")
    parser.add_argument("--deeds", action="store_true", help="only deeds, with and without faults")
    parser.add_argument("--calm", action="store_true", help="one run of the workload without faults")
    parser.add_argument("--trace", action="store_true", help="print the calls of that one run")
    return parser.parse_args()


def main() -> int:
    """Run what was asked for; 1 if anything was violated, or a call site was not struck with every fault."""
    options = _options()
    if options.seed is not None or options.blow or options.act or options.calm:
        return _again(options)
    started, tally = monotonic(), Tally()
    _work(options, tally, started)
    print(report(tally, seconds=monotonic() - started))
    is_part = options.workload or options.seconds or options.deeds
    return 1 if tally.findings or (uncovered(tally) and not is_part) else 0


def _work(options: Namespace, tally: Tally, started: float) -> None:
    """Make all runs, and say on stderr how far they are, and what was violated as soon as it was."""
    shown, told = started, 0
    for where in _runs(options, tally):
        now = monotonic()
        for finding in tally.findings[told:]:
            print(f"{finding.violation.invariant}: {finding.case.replay}", file=sys.stderr)
        told = len(tally.findings)
        if now - shown > PROGRESS_S:
            shown = now
            counts = f"{tally.runs} runs  {len(tally.findings)} violations"
            print(f"{now - started:6.0f} s  {counts}  {where}", file=sys.stderr)
        if options.seconds and now - started > options.seconds:
            return


def _runs(options: Namespace, tally: Tally) -> Iterator[str]:
    workload = WORKLOADS[options.workload] if options.workload else None
    for each in [workload] if workload else WORKLOADS.values():
        for _ in enumerate_deeds(each, tally, is_full=options.full):
            yield f"{each.name}, deeds"
        for _ in enumerate_struck_deeds(each, tally, is_full=options.full):
            yield f"{each.name}, deeds and faults"
    if options.deeds:
        return
    for each in [workload] if workload else WORKLOADS.values():
        for _ in enumerate_faults(each, tally, is_full=options.full):
            yield each.name
    for _ in explore_pairs(0 if workload else options.pairs, tally):
        yield "two faults"
    for _ in explore_seeds(range(options.first, options.first + options.seeds), tally, workload):
        yield "random schedules"
    for _ in strike_rare_sites(all_sites(), tally):
        yield "rare call sites"


def _again(options: Namespace) -> int:
    """One run once more: the same options give the same digest."""
    case = Case(options.workload, options.seed, tuple(options.blow), tuple(options.act))
    outcome = simulate(replace(case.setup(), is_tracing=options.trace))
    for line in outcome.lines:
        print(line)
    print(f"{len(outcome.sites)} calls, {outcome.virtual_s:.0f} s of virtual time, digest {outcome.digest}")
    for site, blow in outcome.blows:
        print(f"fault: {blow.told()}, {site}")
    for violation in outcome.violations:
        print(f"{violation.invariant}: {violation.detail}")
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    # Sets of text are walked in the order of their hashes: a run repeats only under the same ones.
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        sys.exit(subprocess.call([sys.executable, "-m", "tests.simulation", *sys.argv[1:]]))
    sys.exit(main())
