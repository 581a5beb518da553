"""`python -m tests.simulation`: the long simulation, or one run of it again."""

import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Collection
from dataclasses import replace
from time import monotonic

from tests.simulation.deeds import Act
from tests.simulation.explore import Case, Tally, strike_rare_sites
from tests.simulation.faults import Blow
from tests.simulation.parts import Part, of_pairs, of_seeds, of_workload, run_all
from tests.simulation.report import report, uncovered
from tests.simulation.run import simulate
from tests.simulation.sites import all_sites
from tests.simulation.workloads import WORKLOADS


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000, help="random schedules, after the enumeration")
    parser.add_argument("--first", type=int, default=0, help="the first of their seeds")
    parser.add_argument("--pairs", type=int, default=1_000, help="pairs of faults, before them")
    parser.add_argument("--seconds", type=float, help="begin nothing more after so many seconds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processors that share the work")
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
    """Make all runs, and say on stderr how far they are, and what was violated as soon as it is known."""
    parts = _parts(options)
    found: dict[Part, Tally] = {}
    for part, came in run_all(parts, jobs=options.jobs):
        found[part] = came
        _tell(part.name, found.values(), since=started)
        for finding in came.findings:
            print(f"{finding.violation.invariant}: {finding.case.replay}", file=sys.stderr)
        if options.seconds and monotonic() - started > options.seconds:
            break
    for part in parts:  # in their order, so that the report does not depend on who was quicker
        if part in found:
            tally.add(found[part])
    if not options.deeds:
        for _ in strike_rare_sites(all_sites(), tally):
            pass


def _tell(name: str, tallies: Collection[Tally], *, since: float) -> None:
    runs, violations = sum(each.runs for each in tallies), sum(len(each.findings) for each in tallies)
    print(f"{monotonic() - since:6.0f} s  {runs} runs  {violations} violations  {name}", file=sys.stderr)


def _parts(options: Namespace) -> list[Part]:
    """What was asked for, the long ones first, so that no processor waits for them at the end."""
    names = [options.workload] if options.workload else sorted(WORKLOADS, key=_length, reverse=True)
    parts = [part for name in names for part in of_workload(name, is_full=options.full)]
    if options.deeds:
        return [part for part in parts if part.kind != "faults"]
    seeds = range(options.first, options.first + options.seeds)
    return [*parts, *of_pairs(0 if options.workload else options.pairs), *of_seeds(seeds, options.workload)]


def _length(name: str) -> int:
    return len(WORKLOADS[name].deeds) + 10 * (WORKLOADS[name].sample is not None)


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
