"""What `make prove` says."""

import platform
import subprocess
from collections.abc import Iterator

from tests.simulation.explore import Finding, Tally
from tests.simulation.faults import Fault
from tests.simulation.sites import all_sites


def report(tally: Tally, *, seconds: float) -> str:
    """Commit, machine, runs, coverage and violations."""
    return "\n".join(_lines(tally, seconds))


def uncovered(tally: Tally) -> dict[str, list[Fault]]:
    """Call sites, and the faults that no run has struck them with."""
    missing = {site: [fault for fault in Fault if (site, fault) not in tally.struck] for site in sorted(all_sites())}
    return {site: faults for site, faults in missing.items() if faults}


def _lines(tally: Tally, seconds: float) -> Iterator[str]:
    sites = all_sites()
    yield f"commit      {_commit()}"
    yield f"machine     {platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    yield f"runs        {tally.runs}: {', '.join(f'{count} {kind}' for kind, count in tally.kinds.items())}"
    yield f"calls       {tally.calls} of ports"
    yield f"duration    {seconds:.0f} s"
    yield f"call sites  {len(sites)} in the services, {len(sites & tally.bases.keys())} reached"
    yield from _coverage(uncovered(tally), len(sites) * len(Fault))
    yield "workloads   calls struck with every fault, of all calls of the run:"
    yield from (f"  {name:24} {struck} of {calls}" for name, (struck, calls) in tally.indexes.items())
    yield f"violations  {len(tally.findings)} in {tally.runs} runs"
    yield from findings(tally)


def _coverage(missing: dict[str, list[Fault]], pairs: int) -> Iterator[str]:
    covered = pairs - sum(len(faults) for faults in missing.values())
    yield f"x faults    {covered} of {pairs} ({100 * covered / pairs:.1f} %)"
    for site, faults in missing.items():
        what = "every fault" if len(faults) == len(Fault) else ", ".join(fault.value for fault in faults)
        yield f"  not covered: {site}: {what}"


def findings(tally: Tally) -> Iterator[str]:
    """One run for each kind of violation, the shortest."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in tally.findings:
        kinds.setdefault((finding.violation.invariant, finding.site), []).append(finding)
    for (invariant, site), found in sorted(kinds.items()):
        first = min(found, key=lambda finding: finding.calls)
        yield f"  {invariant}, {len(found)} runs, last fault at {site}"
        yield f"    {first.violation.detail}"
        yield f"    again: python -m tests.simulation {first.case.replay} --trace"


def _commit() -> str:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "none"
