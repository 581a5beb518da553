"""The children of a stack: the emulator on the newest whole snapshot, and the demo provider."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from cratekeeper_local import children, datadir, front
from cratekeeper_local.children import Child
from cratekeeper_local.console import Progress
from cratekeeper_local.datadir import DataDir
from cratekeeper_local.emulator.settings import ORDERS, Settings
from cratekeeper_local.errors import LocalStackError
from cratekeeper_local.snapshots import Shelf

START_LIMIT_S: Final = 30.0
_SAVE_LIMIT_S: Final = 150.0


@dataclass(frozen=True, slots=True)
class Emulator:
    """The running emulator; `resumed` if it began from a snapshot."""

    url: str
    child: Child
    resumed: bool
    http: httpx.Client

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            return self.http.get("figures").is_success
        except httpx.TransportError:
            return False

    def open(self) -> None:
        """The deployment is whole: let work begin, and begin to save."""
        self.http.post("open").raise_for_status()

    def save(self) -> None:
        """Have all that is there now on disk. Raises LocalStackError if that does not work."""
        if not self.http.post("save", timeout=_SAVE_LIMIT_S).is_success:
            raise LocalStackError(f"the emulator cannot save its state; see {self.child.log}")


@contextmanager
def emulator_started(data: DataDir, *, lock: int, progress: Progress) -> Iterator[Emulator]:
    """Run the emulator on `data` for the length of the block; it shares the lock's descriptor `lock`."""
    snapshot = _snapshot(data, progress)
    if snapshot is None and datadir.forget_unsaved(data):
        progress.step("the first start here did not come to its end: begun afresh")
    with _listener(data) as listener:
        url = front.url_of(listener)
        settings = Settings(listener.fileno(), data.snapshots, data.logs)
        variables = settings.environment(
            endpoint=url, state=snapshot or _nothing(data), objects=data.objects, temp=data.temp
        )
        with children.started(
            "cratekeeper_local.emulator",
            log=data.logs / "emulator.log",
            variables=variables,
            descriptors=(listener.fileno(), lock),
        ) as child:
            listener.close()  # its own copy is enough: nobody must connect once it is gone
            with loopback_client(f"{url}{ORDERS}") as http:
                emulator = Emulator(url, child, snapshot is not None, http)
                child.wait_until(emulator.is_up, limit_s=START_LIMIT_S)
                yield emulator


@contextmanager
def provider_started(data: DataDir) -> Iterator[tuple[str, Child]]:
    """Run the demo provider for the length of the block; its URL comes first."""
    ready = data.temp / "provider.json"
    port = str(_port_of_last_time(data.provider_port))
    arguments = ("--port", port, "--ready-file", str(ready), "--cache-dir", str(data.root / "provider"))
    with children.started("cratekeeper_local.provider", *arguments, log=data.logs / "demo-provider.log") as child:
        child.wait_until(ready.is_file, limit_s=START_LIMIT_S)
        url = httpx.URL(json.loads(ready.read_text("utf-8"))["url"])
        data.provider_port.write_text(str(url.port), "utf-8")
        yield str(url), child


def loopback_client(base: str) -> httpx.Client:
    """A client for this machine: no proxies, and no certificates to read."""
    return httpx.Client(base_url=base, trust_env=False, verify=False, timeout=30.0)  # noqa: S501  plain HTTP


def _snapshot(data: DataDir, progress: Progress) -> Path | None:
    """The newest snapshot that is whole. Raises LocalStackError if there are some, and none is."""
    flaw = None
    for path, flaw in Shelf(data.snapshots).sound():
        if flaw is None:
            return path
        progress.warn(f"{path.name} is left out: {flaw}")
    if flaw is not None:
        raise LocalStackError(f"no saved state in {data.snapshots} can be read; start anew with --fresh")
    return None


def _nothing(data: DataDir) -> Path:
    folder = data.temp / "no-state"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def _listener(data: DataDir) -> Iterator[socket.socket]:
    with front.reserved(_port_of_last_time(data.emulator_port)) as listener:
        data.emulator_port.write_text(str(listener.getsockname()[1]), "utf-8")
        yield listener


def _port_of_last_time(memory: Path) -> int:
    """The port that `memory` holds if it is free, so that addresses rarely change; else 0, any."""
    try:
        port = int(memory.read_text("utf-8"))
        front.reserved(port).close()
    except (OSError, ValueError, LocalStackError):
        return 0
    return port
