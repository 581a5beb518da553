"""Child processes of the launcher: started under watch, logged to a file, stopped in order."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cratekeeper_local import guard
from cratekeeper_local.errors import LocalStackError

STOP_LIMIT_S: Final = 20.0
_POLL_S: Final = 0.02
# What the caller's shell says about other accounts and Pythons is not meant for the stack.
_STRAY: Final = ("AWS_", "PYTHON", "CRATEKEEPER_")
_LOOPBACK: Final = "127.0.0.1,localhost"


@dataclass(frozen=True, slots=True)
class Child:
    """A running child; what it writes goes to `log`."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def wait_until(self, is_up: Callable[[], bool], *, limit_s: float) -> None:
        """Wait for `is_up`. Raises LocalStackError if the child ends before, or after `limit_s`."""
        deadline = time.monotonic() + limit_s
        while not is_up():
            if not self.is_running():
                raise LocalStackError(f"the {self.name} did not start: {self.last_words()}; see {self.log}")
            if time.monotonic() > deadline:
                raise LocalStackError(f"the {self.name} did not start within {limit_s:.0f} s; see {self.log}")
            time.sleep(_POLL_S)

    def last_words(self) -> str:
        """The last line of its log, or how it ended."""
        try:
            lines = self.log.read_text("utf-8", errors="replace").split("\n")
        except OSError:
            lines = []
        said = [line.strip() for line in lines if line.strip()]
        return said[-1] if said else f"exit code {self.process.poll()}"

    def stop(self, *, limit_s: float = STOP_LIMIT_S) -> bool:
        """Ask it to end, kill it if it has not after `limit_s`; whether asking was enough."""
        self.process.terminate()
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False
        return True


@contextmanager
def started(
    module: str, *arguments: str, log: Path, variables: Mapping[str, str] | None = None, descriptors: Sequence[int] = ()
) -> Iterator[Child]:
    """Run `python -m module argument …` for the length of the block; its name is that of its log."""
    environment = {**clean_environment(), **(variables or {}), guard.PARENT_VARIABLE: str(os.getpid())}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cratekeeper_local.guard", module, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=descriptors,
            # Ctrl-C in the terminal is for the launcher: it stops the others in order.
            process_group=0,
        )
    child = Child(log.stem.replace("-", " "), process, log)
    try:
        yield child
    finally:
        child.stop()


def clean_environment() -> dict[str, str]:
    """The caller's environment without what would lead the stack astray."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_STRAY)}
    direct = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), _LOOPBACK]))
    return kept | {"NO_PROXY": direct, "no_proxy": direct}
