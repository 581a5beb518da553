"""The command line on a machine made of dictionaries."""

from pathlib import Path

import httpx
import pytest

from cratekeeper_cli.host import Host
from tests.unit.cli.fake_server import KEY, URL, Clock, FakeServer
from tests.unit.cli.program import Program


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> FakeServer:
    return FakeServer(clock)


@pytest.fixture
def host(server: FakeServer, clock: Clock, tmp_path: Path) -> Host:
    """Logged in by the environment; home and working folder are empty."""
    environ = {"HOME": str(tmp_path / "home"), "CRATEKEEPER_URL": URL, "CRATEKEEPER_KEY": KEY}
    folder = tmp_path / "here"
    folder.mkdir()
    return Host(
        environ=environ,
        cwd=folder,
        transport=httpx.MockTransport(server),
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        new_key=iter(f"key-{number}" for number in range(100)).__next__,
    )


@pytest.fixture
def cli(host: Host) -> Program:
    return Program(host)
