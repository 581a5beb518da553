"""The long simulation in parts that need nothing of each other, so that each processor takes one after the other."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from types import MappingProxyType
from typing import Final

from tests.simulation.explore import (
    Tally,
    enumerate_deeds,
    enumerate_faults,
    enumerate_struck_deeds,
    explore_pairs,
    explore_seeds,
)
from tests.simulation.workloads import WORKLOADS

SEEDS: Final = 50
"""Random schedules of one part."""

PAIRS: Final = "two faults"
SCHEDULES: Final = "random schedules"
ENUMERATIONS: Final = MappingProxyType({
    "deeds": enumerate_deeds,
    "deeds and faults": enumerate_struck_deeds,
    "faults": enumerate_faults,
})
"""What is made of each workload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some runs: of one kind, of one workload (None = of all), from a seed on.

    Args:
        kind: which runs.
        workload: its name.
        seeds: of random schedules, or as many pairs of faults.
        is_full: strike every call of the long workloads too.
    """

    kind: str
    workload: str | None = None
    seeds: range = range(0)
    is_full: bool = False

    @property
    def name(self) -> str:
        """For the progress."""
        return ", ".join(filter(None, [self.workload, self.kind]))

    def run(self) -> Tally:
        """Make its runs."""
        tally = Tally()
        for _ in self._runs(tally):
            pass
        return tally

    def _runs(self, tally: Tally) -> Iterator[None]:
        workload = WORKLOADS[self.workload] if self.workload else None
        if workload and self.kind in ENUMERATIONS:
            return ENUMERATIONS[self.kind](workload, tally, is_full=self.is_full)
        return (
            explore_pairs(len(self.seeds), tally) if self.kind == PAIRS else explore_seeds(self.seeds, tally, workload)
        )


def of_workload(name: str, *, is_full: bool) -> list[Part]:
    """Deeds, deeds and faults, and faults."""
    return [Part(kind=kind, workload=name, is_full=is_full) for kind in ENUMERATIONS]


def of_seeds(seeds: range, workload: str | None = None) -> list[Part]:
    """Random schedules."""
    chunks = (seeds[start : start + SEEDS] for start in range(0, len(seeds), SEEDS))
    return [Part(kind=SCHEDULES, workload=workload, seeds=chunk) for chunk in chunks]


def of_pairs(count: int) -> list[Part]:
    """Pairs of faults."""
    return [Part(kind=PAIRS, seeds=range(count))] if count else []


def run_all(parts: Sequence[Part], *, jobs: int) -> Iterator[tuple[Part, Tally]]:
    """Each part with what came of it, as it ends; whoever stops asking ends those that have not begun."""
    pool = ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn"))
    try:
        running = {pool.submit(part.run): part for part in parts}
        for each in as_completed(running):
            yield running[each], each.result()
    finally:
        pool.shutdown(cancel_futures=True)
