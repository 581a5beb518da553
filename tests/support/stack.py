"""The real local stack as a child of a test: started by its command, stopped, killed, started again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from cratekeeper_local.aws import Aws
from cratekeeper_local.datadir import DataDir

PROGRAM: Final = Path(sys.executable).with_name("cratekeeper")
# A machine that runs other things beside the tests takes its time.
START_LIMIT_S: Final = 90.0
STOP_LIMIT_S: Final = 30.0


@dataclass(slots=True)
class LocalStack:
    """One data folder and, between `start` and `stop` or `kill`, the stack that runs on it.

    `options` are further words of the command line, for every start.
    """

    folder: Path
    options: tuple[str, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None
    ready: dict[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> DataDir:
        """The places in the data folder."""
        return DataDir(self.folder / "data")

    @property
    def aws(self) -> Aws:
        """Clients of the emulator's root user."""
        return Aws(self.ready["aws_endpoint_url"])

    @property
    def resources(self) -> dict[str, str]:
        """Physical names by logical id."""
        found: dict[str, str] = self.ready["resources"]
        return found

    def start(self, *options: str) -> "LocalStack":
        """Start and wait until it is ready. Raises AssertionError with what it said if it ends instead."""
        ready_file = self.folder / "ready.json"
        ready_file.unlink(missing_ok=True)
        self.process = self.begin("--ready-file", str(ready_file), *options)
        deadline = time.monotonic() + START_LIMIT_S
        while not ready_file.is_file():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, f"not ready in {START_LIMIT_S} s: {self.said()}"
            time.sleep(0.02)
        self.ready = json.loads(ready_file.read_text("utf-8"))
        return self

    def begin(self, *options: str) -> "subprocess.Popen[bytes]":
        """Start without waiting; in a process group of its own, so that `kill` can end all of it."""
        words = ["local", "up", "--port", "0", "--data-dir", str(self.data.root), *self.options, *options]
        with self._output.open("ab") as output:
            return subprocess.Popen([PROGRAM, *words], stdout=output, stderr=output, start_new_session=True)

    def stop(self) -> int:
        """SIGTERM, as a shell or a service manager sends it; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(STOP_LIMIT_S)

    def kill(self) -> None:
        """SIGKILL to the launcher; its children are to follow by themselves."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_LIMIT_S)

    def emulator(self) -> int:
        """The process of the emulator."""
        return _running(self.folder, "cratekeeper_local.emulator")[0]

    def workers(self, function: str) -> list[int]:
        """The processes of a function, by its logical id: those that run and those that wait for work."""
        return _running(self.folder, f"ministack-lambda-cratekeeper-{function}-")

    def restart(self) -> "LocalStack":
        """Start again on the same data, after `stop` or `kill`."""
        return self.start()

    def said(self) -> str:
        """What it wrote on stdout and stderr, over all starts."""
        return self._output.read_text("utf-8", errors="replace")

    def http(self, key: str | None = "user_key") -> httpx.Client:
        """A client of the API with one of the keys of the ready file; None: without any."""
        headers = {"Authorization": f"Bearer {self.ready[key]}"} if key else {}
        return httpx.Client(base_url=self.ready["api_url"], headers=headers, trust_env=False, timeout=60.0)

    def figures(self) -> dict[str, float]:
        """What the emulator tells about its saves and its work."""
        url = self.ready["aws_endpoint_url"]
        found: dict[str, float] = httpx.get(f"{url}/_cratekeeper/figures", trust_env=False).json()
        return found

    @property
    def _output(self) -> Path:
        return self.folder / "output.txt"


@contextmanager
def local_stack(folder: Path, *options: str) -> Iterator[LocalStack]:
    """A running stack on a data folder of its own below `folder`, ended with the block."""
    stack = LocalStack(folder, options)
    try:
        yield stack.start()
    finally:
        if stack.process is not None and stack.process.poll() is None:
            stack.stop()


def _running(folder: Path, words: str) -> list[int]:
    return [process for process in processes_on(folder) if words.encode() in _told_of(process, "cmdline")]


def processes_on(folder: Path) -> list[int]:
    """The processes that have `folder` in their command line or environment."""
    words, own = str(folder).encode(), os.getpid()
    everyone = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return [each for each in everyone if each != own and words in _told_of(each, "cmdline") + _told_of(each, "environ")]


def workers_of(stack: LocalStack) -> list[int]:
    """The processes that run the processor function."""
    words = b"AWS_LAMBDA_FUNCTION_NAME=" + stack.resources["ProcessorFunction"].encode()
    return [process for process in processes_on(stack.folder) if words in _told_of(process, "environ")]


def sockets_on(folder: Path) -> set[str]:
    """The inodes of all sockets that those processes have open."""
    found = set()
    for process in processes_on(folder):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ends while it is looked at
            for link in Path(f"/proc/{process}/fd").iterdir():
                with suppress(FileNotFoundError):  # closed meanwhile
                    found.add(str(link.readlink()))
    return {link.removeprefix("socket:[").removesuffix("]") for link in found if link.startswith("socket:")}


def _told_of(process: int, name: str) -> bytes:
    """What the system tells of a process; nothing when it has ended meanwhile."""
    try:
        return Path(f"/proc/{process}/{name}").read_bytes()
    except OSError:
        return b""
