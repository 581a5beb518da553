"""The pinned emulator as a process of one test session, and the resources of the template in it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from socket import create_server
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

import boto3
import botocore.session
from botocore.loaders import Loader
from mypy_boto3_dynamodb import DynamoDBClient

from cratekeeper.adapters.aws import Aws
from tests.contract import strict
from tests.facts import template

REGION: Final = "us-east-1"
START_S: Final = 20
ROOT_KEY: Final = "test"


@dataclass(frozen=True, slots=True)
class Emulator:
    """Where it answers, and the clients of its root user."""

    url: str
    aws: Aws

    def client(self, service: str) -> Any:
        """A client of the root user, to look behind the adapters."""
        return _client(self.url, service)


@cache
def _client(url: str, service: str) -> Any:
    session: Any = a_session(url)
    return session.client(service)


@cache
def _descriptions() -> Loader:
    """What the SDK knows of the services: read once, since reading it is most of what a session costs."""
    return Loader([str(Path(botocore.__file__).parent / "data")])


def a_session(url: str, *, key: str = ROOT_KEY, secret: str = ROOT_KEY) -> boto3.Session:
    """A session whose clients reach the emulator."""
    return boto3.Session(botocore_session=a_core(url, key=key, secret=secret))


def a_core(url: str, *, key: str = ROOT_KEY, secret: str = ROOT_KEY) -> botocore.session.Session:
    """What such a session is made of."""
    os.environ["AWS_ENDPOINT_URL"] = url
    session = botocore.session.Session()
    session.register_component("data_loader", _descriptions())
    session.set_credentials(key, secret)
    session.set_config_variable("region", REGION)
    session.register("provide-client-params.dynamodb", strict.check)
    return session


@contextmanager
def running(folder: Path) -> Iterator[Emulator]:
    """Start the emulator, wait until it answers, and stop it at the end."""
    port = a_free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "emulator.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env=environment(port, folder),
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(f"{url}/_ministack/health", process)
            aws = Aws(a_session(url))
            yield Emulator(url, aws)
            for client in (value for value in vars(aws).values() if hasattr(value, "close")):
                client.close()
        finally:
            process.terminate()
            process.wait(timeout=START_S)
            os.environ.pop("AWS_ENDPOINT_URL", None)


def a_free_port() -> int:
    """A port that nobody listens on just now."""
    with create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def environment(port: int, folder: Path) -> dict[str, str]:
    """Loopback only, nothing kept, and policies enforced."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    return kept | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "AUTH": "true",
        "PERSIST_STATE": "0",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "objects"),
        "MINISTACK_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        assert process.poll() is None, "the emulator ended at once; see its log"
        try:
            with urlopen(url, timeout=1):  # noqa: S310 - the emulator's own address
                return
        except (URLError, TimeoutError):
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")


def create_table(client: DynamoDBClient, name: str, logical_id: str) -> str:
    """A table as the template describes it; returns its name."""
    described: Mapping[str, Any] = template.properties(logical_id)
    taken = {"KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode"}
    definition: Any = {field: value for field, value in described.items() if field in taken}
    stream: Any = described.get("StreamSpecification")
    if stream:
        definition["StreamSpecification"] = {"StreamEnabled": True, **stream}
    client.create_table(TableName=name, **definition)
    return name
