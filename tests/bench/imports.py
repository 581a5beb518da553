"""S3: what a cold start of each handler loads, against bare boto3 with the same clients.

Each sample is a fresh interpreter with `.pyc` files in place; the CPU of starting an empty one is
taken off. Handlers are imported and their services built, so that their clients exist.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ROUNDS: Final = 5
REPORT: Final = "import json, sys, time; print(json.dumps([sorted(sys.modules), time.process_time()]))"

HANDLERS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "requests": ("edge(handler.ROUTES) requests() queries()", ("dynamodb", "sqs", "secretsmanager")),
    "search": ("edge(handler.ROUTES)", ("dynamodb", "secretsmanager")),
    "admin": ("identity()", ("dynamodb", "secretsmanager")),
    "processor": ("deliver()", ("dynamodb", "sqs", "s3")),
    "dispatcher": ("dispatch()", ("dynamodb", "sqs")),
    "projector": ("project()", ("dynamodb", "events")),
}
"""By function: what it has `bootstrap` build, and the clients that this makes."""

API: Final = ("requests", "search", "admin")
BANNED_IN_API: Final = ("httpx", "aws_xray_sdk")

_RESOURCES: Final = {
    **dict.fromkeys(("QUEUE_TABLE", "CATALOG_TABLE", "HISTORY_TABLE", "IDENTITY_TABLE", "MEDIA_BUCKET"), "x"),
    **dict.fromkeys(("HIGH_QUEUE_URL", "NORMAL_QUEUE_URL", "LOW_QUEUE_URL"), "http://127.0.0.1/x"),
    "EVENT_BUS_NAME": "x",
    "PEPPER_SECRET_ID": "x",
    "PROVIDER_URL": "http://127.0.0.1:1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@dataclass(frozen=True, slots=True)
class Start:
    """A start: the modules that are loaded at its end, and the least CPU seconds of all rounds."""

    modules: frozenset[str]
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Cold:
    """A handler's cold start beside that of bare boto3 with the same clients."""

    name: str
    handler: Start
    bare: Start

    @property
    def cpu_ratio(self) -> float:
        """Of CPU time."""
        return self.handler.cpu_s / self.bare.cpu_s

    @property
    def module_ratio(self) -> float:
        """Of modules loaded."""
        return len(self.handler.modules) / len(self.bare.modules)

    @property
    def unwanted(self) -> list[str]:
        """What an API handler must not load and does."""
        return [name for name in BANNED_IN_API if self.name in API and name in self.handler.modules]


def cold_starts(*, rounds: int = ROUNDS) -> list[Cold]:
    """All handlers, interleaved with their bare twins."""
    codes = {"": "pass"}
    for name, (built, clients) in HANDLERS.items():
        codes |= {name: _handler(name, built), " ".join(clients): _bare(clients)}
    best: dict[str, Start] = {}
    for number in range(rounds + 1):
        for name, code in codes.items():
            start = _start(code)
            if number and (name not in best or start.cpu_s < best[name].cpu_s):
                best[name] = start  # the first round only writes the .pyc files
    empty = best[""].cpu_s
    net = {name: Start(start.modules, start.cpu_s - empty) for name, start in best.items()}
    return [Cold(name, net[name], net[" ".join(clients)]) for name, (_, clients) in HANDLERS.items()]


def _handler(name: str, built: str) -> str:
    calls = "; ".join(f"bootstrap.{call}" for call in built.split())
    return f"from functions.{name} import handler; from cratekeeper import bootstrap; {calls}"


def _bare(clients: tuple[str, ...]) -> str:
    made = "; ".join(f"s.client({name!r})" for name in clients)
    return f"import boto3; s = boto3.Session(); {made}"


def _start(code: str) -> Start:
    """One fresh interpreter."""
    command = [sys.executable, "-c", f"{code}\n{REPORT}"]
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    done = subprocess.run(command, env=kept | _RESOURCES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    modules, cpu_s = json.loads(done.stdout.splitlines()[-1])
    return Start(frozenset(modules), cpu_s)
