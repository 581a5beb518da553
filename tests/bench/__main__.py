"""`make bench`: all figures of the product's cost and speed, with their targets.

Counts and ratios are what is judged; absolute times are reported, for they are the machine's.
`make bench ARGS="cost paths"` measures only these parts.
"""

import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cratekeeper_local.provider.child import running as provider_running
from tests.bench import album, asking, handling, imports, loop, memory, paths, report, scale, starting, watch
from tests.contract.emulator import Emulator
from tests.contract.emulator import running as emulator_running

TRACK_LATENCY_S: Final = 0.1
"""Without it tracks take no time, and workers meet only at the permits."""

STRAY: Final = ("AWS_", "CRATEKEEPER_")


@contextmanager
def _emulator() -> Iterator[Emulator]:
    with tempfile.TemporaryDirectory(prefix="cratekeeper-bench-") as folder, emulator_running(Path(folder)) as started:
        yield started


def cost() -> None:
    """C1."""
    with _emulator() as emulator, provider_running(latency=TRACK_LATENCY_S) as provider:
        for limit, workers in (("3", 1), ("3", 3), (album.UNLIMITED, 1)):
            with album.warm(emulator, provider, limit=limit) as rig:
                bill = album.bill(rig, workers=workers)
            has_limit = limit != album.UNLIMITED
            words = f"limit {limit}" if has_limit else "no limit"
            many = f"{workers} worker{'s' * (workers > 1)}"
            report.show(f"C1 reference album, {words}, {many}: step by step", report.steps(bill))
            report.show(f"C1 reference album, {words}, {many}: per track", report.per_track(bill, has_limit=has_limit))


def operations() -> None:
    """C2 to C8."""
    with _emulator() as emulator, provider_running() as provider:
        report.show("Duplicates", report.duplicates(paths.duplicates(emulator, provider, 2, 5)))
        report.show("Single operations", report.operations(paths.costs(emulator, provider)))


def streams() -> None:
    """S1 and S2."""
    if not Path("/proc/self/clear_refs").exists():
        report.show("Memory of a worker that streams", [report.Row("not measured", "this needs Linux's /proc")])
        return
    report.show("Memory of a worker that streams", report.growths(memory.growth()))
    report.show("CPU of streaming 512 MiB into a null sink", report.ways(memory.cpu_of_ways()))


def starts() -> None:
    """S3."""
    report.show("Cold starts against bare boto3 with the same clients", report.starts(imports.cold_starts()))


def times() -> None:
    """S5."""
    with _emulator() as emulator, loop.library() as provider:
        report.show("Whole albums against a plain loop", report.races(loop.races(emulator, provider)))


def scales() -> None:
    """C7; at 100,000 the rows alone take a minute to write."""
    few, many = scale.at((scale.FEW, scale.MANY))
    report.show("Looks at a short and a long queue", report.scales(few, many))


def requests() -> None:
    """C9, and what asking costs."""
    with _emulator() as emulator:
        report.show("Asking and acting, by whole routes", report.operations(asking.costs(emulator)))


def handlers() -> None:
    """S4."""
    report.show("CPU of the API's functions", report.handlers(handling.posts(), handling.routes()))


def latency() -> None:
    """S7."""
    report.show("From a request to its start, on a local stack", report.latencies(starting.latencies()))


def scans() -> None:
    """S6."""
    report.show("The watchdog's scan of a clean library", report.scans(watch.scans(), watch.growth()))


PARTS: Final[Mapping[str, Callable[[], None]]] = {
    "cost": cost,
    "paths": operations,
    "requests": requests,
    "scale": scales,
    "handlers": handlers,
    "starts": starts,
    "times": times,
    "streams": streams,
    "scans": scans,
    "latency": latency,
}

UNASKED: Final = tuple(name for name in PARTS if name != "latency")
"""What runs without being named: a local stack is started only for who asks for it."""


def main() -> int:
    """Measure the parts that were named, or all but `latency`."""
    parser = ArgumentParser(prog="python -m tests.bench", description="Figures of cost and speed, with targets.")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)} (all but latency)")
    wanted = parser.parse_args().parts or list(UNASKED)
    if unknown := [name for name in wanted if name not in PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}")
    for name in [name for name in os.environ if name.startswith(STRAY)]:
        del os.environ[name]
    for name in wanted:
        PARTS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
