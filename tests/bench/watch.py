"""S6: what the watchdog's scan of a clean library takes, against a plain loop over boto3's paginator."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Final

from cratekeeper.domain.reconcile import SHARDS
from tests.bench import library
from tests.bench.scanner import Job, Took

EACH: Final = 1283
"""Objects in each of the 78 shards: 100,074 in all."""

FEW: Final = 129
MANY: Final = 12_821
"""Objects in each shard: 10,062 and 1,000,038 in all."""

ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Scan:
    """Both ways of looking at the same library; `requests` are those of one scan, `fewest` the lists it needs."""

    watchdog: Took
    plain: Took
    requests: dict[str, int]
    fewest: int

    @property
    def ratio(self) -> float:
        """Objects a CPU second by those of the plain loop."""
        return (self.watchdog.objects / self.watchdog.cpu_s) / (self.plain.objects / self.plain.cpu_s)


def scans(*, each: int = EACH, rounds: int = ROUNDS) -> Scan:
    """Interleaved, the least CPU of so many rounds."""
    found: dict[str, list[Took]] = {"watchdog": [], "plain": []}
    requests: dict[str, int] = {}
    with library.running(each) as url:
        for _ in range(rounds):
            before = library.figures(url)
            found["watchdog"].append(run(Job(way="watchdog", url=url)))
            requests = {name: count - before[name] for name, count in library.figures(url).items()}
            found["plain"].append(run(Job(way="plain", url=url)))
    least = {way: min(took, key=lambda one: one.cpu_s) for way, took in found.items()}
    fewest = len(SHARDS) * -(-each // library.PAGE)
    return Scan(least["watchdog"], least["plain"], requests, fewest)


def growth(*sizes: int) -> list[Took]:
    """Scans of made-up libraries with so many objects a shard."""
    return [run(Job(way="memory", each=each)) for each in sizes or (FEW, MANY)]


def run(job: Job) -> Took:
    """A job in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.scanner", job.model_dump_json()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Took.of(done.stdout)
