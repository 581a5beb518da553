"""`make fuzz`: the long run of generated calls against a local stack of its own. Exit code 1 for any fault."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.api import OPTIONS, Fuzzer
from tests.support.stack import local_stack

FEWEST_2XX = 0.3


def main() -> int:
    """Run and report."""
    words = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    words.add_argument("--cases", type=int, default=10_000)
    words.add_argument("--seed", type=int, default=1)
    wanted = words.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, local_stack(Path(folder), *OPTIONS) as stack:
        report = Fuzzer(stack, wanted.seed).run(wanted.cases)
    print("\n".join(report.lines()))
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if report.faults or report.share_of_2xx < FEWEST_2XX else 0


if __name__ == "__main__":
    sys.exit(main())
