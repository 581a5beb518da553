"""Which runs to make: every fault at every call, rare call sites, pairs of faults, random schedules."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final, NamedTuple

from tests.simulation.checker import WORKER, Violation
from tests.simulation.deeds import DEEDS, STEERING, Act
from tests.simulation.faults import CRASHES, Blow, Fault, Plan, also, no_faults, some_faults
from tests.simulation.processes import Chances
from tests.simulation.run import Outcome, Sabotage, Setup, simulate
from tests.simulation.workloads import WORKLOADS, Workload

FAULT_RATE: Final = 0.05
UNRELIABLE_CALLS: Final = 600
"""A random run is struck during so many of its first calls; then it must come to rest."""

BUSY_CALLS: Final = 150
"""Deeds of a random run begin within so many calls."""

SERVING: Final = 40
"""Calls of a deed that are struck; a cascade makes more of the same."""

SEED_OF_ENUMERATION: Final = 1
PAIRED: Final = "album of 3"
SHARE_OF_LONG: Final = 0.03
BASES: Final = 3
"""Runs kept for each call site that they reached, to strike it there."""


class Case(NamedTuple):
    """Names one run: a workload, deeds and faults at its calls, or also a seed that decides all the rest."""

    workload: str | None = None
    seed: int | None = None
    blows: tuple[Blow, ...] = ()
    acts: tuple[Act, ...] = ()

    @property
    def replay(self) -> str:
        """The options that show it again."""
        words = [f"--workload '{self.workload}'"] if self.workload else []
        words += [f"--seed {self.seed}"] if self.seed is not None else []
        words += [f"--act '{act.told()}'" for act in self.acts]
        words += [f"--blow '{blow.told()}'" for blow in self.blows]
        return " ".join(words)

    def setup(self) -> Setup:
        """Everything that decides the run."""
        workload = WORKLOADS[self.workload] if self.workload else None
        if self.seed is not None:
            setup = random_setup(self.seed, workload)
        else:
            setup = Setup(workload=workload or WORKLOADS[PAIRED], seed=SEED_OF_ENUMERATION)
        return replace(
            setup,
            plan=also(setup.plan, self.blows) if self.blows else setup.plan,
            acts=(*setup.acts, *self.acts),
            is_gentle=setup.is_gentle and len(self.blows) <= 1,
        )


class Finding(NamedTuple):
    """A run that broke something."""

    case: Case
    site: str
    calls: int
    violation: Violation


class Base(NamedTuple):
    """A run that reached a call site, and at which call."""

    case: Case
    call: int


@dataclass(slots=True)
class Tally:
    """What the runs so far have shown; `kinds` counts them by the way they were chosen."""

    runs: int = 0
    calls: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    struck: set[tuple[str, Fault]] = field(default_factory=set)
    bases: dict[str, list[Base]] = field(default_factory=dict)
    indexes: dict[str, tuple[int, int]] = field(default_factory=dict)
    deeds: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    well_known: set[str] = field(default_factory=set)
    sabotage: Sabotage | None = None

    def run(self, case: Case, kind: str) -> Outcome:
        """Make one run and count it."""
        outcome = simulate(replace(case.setup(), sabotage=self.sabotage))
        self.runs += 1
        self.calls += len(outcome.sites)
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.struck.update((site, blow.fault) for site, blow in outcome.blows)
        self._remember(case, outcome)
        if outcome.violations:
            site = outcome.blows[-1][0] if outcome.blows else "no fault"
            self.findings.append(Finding(case, site, len(outcome.sites), outcome.violations[0]))
        return outcome

    def add(self, other: "Tally") -> None:
        """Count the runs of another one too."""
        self.runs += other.runs
        self.calls += other.calls
        for mine, theirs in ((self.kinds, other.kinds), (self.deeds, other.deeds)):
            mine.update({name: mine.get(name, 0) + count for name, count in theirs.items()})
        self.struck |= other.struck
        self.indexes |= other.indexes
        self.findings += other.findings
        for site, bases in other.bases.items():
            self.bases[site] = [*self.bases.get(site, []), *bases][:BASES]
        self.well_known = {site for site, bases in self.bases.items() if len(bases) == BASES}

    def _remember(self, case: Case, outcome: Outcome) -> None:
        """Keep the run as a base for the rare call sites that it reached."""
        for site in set(outcome.sites) - self.well_known:
            known = self.bases.setdefault(site, [])
            known.append(Base(case, outcome.sites.index(site)))
            if len(known) == BASES:
                self.well_known.add(site)


def enumerate_faults(workload: Workload, tally: Tally, *, is_full: bool) -> Iterator[None]:
    """Run once to count the calls, then once for each call and fault; yields after each run."""
    calm = Case(workload.name)
    reference = tally.run(calm, "calm")
    yield
    indexes = _chosen(reference.sites, replace(workload, sample=None) if is_full else workload)
    tally.indexes[workload.name] = (len(indexes), len(reference.sites))
    for index in indexes:
        for blow in _blows_at(index, is_worker=reference.callers[index].startswith(WORKER)):
            tally.run(calm._replace(blows=(blow,)), "one fault")
            yield


def enumerate_deeds(workload: Workload, tally: Tally, *, is_full: bool) -> Iterator[None]:
    """Each deed at each call of the undisturbed run, by itself and beside others; yields after each run."""
    sites = tally.run(Case(workload.name), "calm").sites
    indexes = _chosen(sites, replace(workload, sample=None if is_full else workload.deeds_at))
    for deed in workload.deeds:
        for index in indexes:
            for is_beside in (False, True):
                tally.run(Case(workload.name, acts=(Act(deed, index, is_beside),)), "one deed")
                tally.deeds[deed] = tally.deeds.get(deed, 0) + 1
                yield


def enumerate_struck_deeds(workload: Workload, tally: Tally, *, is_full: bool) -> Iterator[None]:
    """Every fault at every call that serves a deed, for a few places where the deed begins."""
    sites = tally.run(Case(workload.name), "calm").sites
    indexes = range(len(sites)) if is_full else _within(sites, workload)
    for deed in workload.deeds:
        for begun in indexes:
            case = Case(workload.name, acts=(Act(deed, begun),))
            reference = tally.run(case, "one deed")
            serving = [index for index, each in enumerate(reference.callers) if each.startswith(STEERING)]
            for index in serving[: None if is_full else SERVING]:
                for fault in Fault:
                    tally.run(case._replace(blows=(Blow(fault, index),)), "deed and fault")
                    yield


def strike_rare_sites(sites: frozenset[str], tally: Tally) -> Iterator[None]:
    """Strike call sites that only a first fault makes reachable, with every fault that has not struck them."""
    for site in sorted(sites):
        for fault in Fault:
            for case, call in tally.bases.get(site, []):
                if (site, fault) in tally.struck:
                    break
                tally.run(case._replace(blows=(*case.blows, Blow(fault, call))), "rare site")
                yield


def explore_pairs(count: int, tally: Tally) -> Iterator[None]:
    """Two faults at two calls of an album of three."""
    calm = Case(PAIRED)
    calls = len(tally.run(calm, "calm").sites)
    dice = Random("pairs")
    for _ in range(count):
        first, second = sorted(dice.sample(range(calls), 2))
        blows = [Blow(dice.choice(tuple(Fault)), index, dice.random() < 0.5) for index in (first, second)]
        tally.run(calm._replace(blows=tuple(blows)), "two faults")
        yield


def explore_seeds(seeds: range, tally: Tally, workload: Workload | None = None) -> Iterator[None]:
    """One random schedule for each seed; yields after each run."""
    for seed in seeds:
        tally.run(Case(workload.name if workload else None, seed), "random")
        yield


def random_setup(seed: int, workload: Workload | None = None) -> Setup:
    """A schedule that depends on the seed alone: its workload, its faults and all that is unreliable."""
    dice = Random(f"setup {seed}")
    small = [each for each in WORKLOADS.values() if each.sample is None]
    chosen = dice.choice(list(WORKLOADS.values()) if dice.random() < SHARE_OF_LONG else small)
    chances = Chances(
        dropped=dice.choice((0.0, 0.05, 0.3, 0.8)),
        duplicated=dice.choice((0.0, 0.2, 0.8)),
        replayed=dice.choice((0.0, 0.3)),
        skew_s=dice.choice((0.0, 0.0, 1.0, 15.0)),
        lagging=dice.choice((0.0, 0.1, 0.5)),
    )
    return Setup(
        workload=workload or chosen,
        seed=seed,
        plan=_faults_of(seed),
        chances=chances,
        calm_after=UNRELIABLE_CALLS,
        is_gentle=False,
        stickiness=dice.choice((0.0, 0.5, 0.9)),
        acts=_acts_of(dice),
    )


def _acts_of(dice: Random) -> tuple[Act, ...]:
    """Up to three deeds in half of the runs."""
    count = dice.choice((0, 0, 0, 1, 2, 3))
    indexes = sorted(dice.randrange(BUSY_CALLS) for _ in range(count))
    return tuple(Act(dice.choice(list(DEEDS)), index, dice.random() < 0.5) for index in indexes)


def _faults_of(seed: int) -> Plan:
    """One seed in eight has no faults but those of queues, indexes and clocks."""
    if seed % 8 == 0:
        return no_faults
    return some_faults(seed, rate=FAULT_RATE, calls=UNRELIABLE_CALLS)


def _blows_at(index: int, *, is_worker: bool) -> Iterator[Blow]:
    """Every fault at one call; a worker's crash with its message coming back, and without."""
    for fault in Fault:
        yield Blow(fault, index)
        if is_worker and fault in CRASHES:
            yield Blow(fault, index, is_message_lost=True)


def _spread(calls: int, count: int | None) -> list[int]:
    """So many calls in even steps; None = all."""
    if count is None or count >= calls:
        return list(range(calls))
    return sorted({round(step * (calls - 1) / max(1, count - 1)) for step in range(count)})


def _within(sites: list[str], workload: Workload) -> list[int]:
    """So many calls inside of a run, and the last of those in its focus."""
    steps = workload.struck_at + 1
    even = {len(sites) * step // steps for step in range(1, steps)}
    last = [index for index, site in enumerate(sites) if workload.focus and site.startswith(workload.focus)][-1:]
    return sorted(even | set(last))


def _chosen(sites: list[str], workload: Workload) -> list[int]:
    """All calls; or a sample of them in even steps, with the first of each call site."""
    calls, sample = len(sites), workload.sample
    if sample is None or sample >= calls:
        return list(range(calls))
    even = set(_spread(calls, sample))
    first = {site: index for index, site in reversed(list(enumerate(sites))) if site.startswith(workload.focus)}
    return sorted(even | set(first.values()))
