"""Runs the demo provider as a child process; for tests, benchmarks and the local stack."""

import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict, Unpack

import httpx
from pydantic import BaseModel, JsonValue

STOP_S: Final = 5.0
# Loopback is plain HTTP, and to read all certificates would take 70 ms a client.
NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class ProviderFailed(Exception):
    """The child did not come up; the text is what it said."""


class Options(TypedDict, total=False):
    """The options of the command line, under their own names."""

    host: str
    library: str | Path
    cache_dir: Path
    busy: bool
    rate: int
    latency: float


class Stats(BaseModel):
    """What the provider counted: by path, and by track id for audio.

    `audio_requests` includes those refused as busy; `bytes` are of audio bodies.
    """

    requests: dict[str, int]
    audio_requests: dict[str, int]
    audio_refused: dict[str, int]
    audio_now: int
    audio_max: int
    bytes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Provider:
    """A running demo provider, and a client for its `url`."""

    url: str
    client: httpx.Client
    process: "subprocess.Popen[str]"

    def stats(self) -> Stats:
        """The counts since the start or the last reset."""
        return Stats.model_validate_json(self._call("GET", "/__stats").content)

    def reset(self) -> None:
        """Forget all counts and all faults."""
        self._call("POST", "/__stats/reset")
        self._call("DELETE", "/__faults")

    def fault(
        self,
        match: str,
        behaviour: str,
        *,
        times: int = 1,
        skip: int = 0,
        **params: JsonValue,
    ) -> None:
        """Answer the next `times` (-1: all) matching requests wrongly, after `skip` others.

        `match`, `behaviour` and `params` as in `faults.Fault` and `params.Params`.
        Raises ValueError for an unknown behaviour or parameter.
        """
        step = {"match": match, "behaviour": behaviour, "times": times, "skip": skip}
        answer = self.client.post("/__faults", json=[{**step, "params": params}])
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise ValueError(answer.json()["message"])
        answer.raise_for_status()

    def _call(self, method: str, path: str) -> httpx.Response:
        return self.client.request(method, path).raise_for_status()


@contextmanager
def running(port: int = 0, **options: Unpack[Options]) -> Iterator[Provider]:
    """A demo provider in a process of its own, stopped at the end of the block.

    It also stops when this process dies, however that happens. Raises ProviderFailed.
    """
    process = _start(_arguments(port, options))
    try:
        url = _announced(process)
        with httpx.Client(base_url=url, verify=NO_TLS) as client:
            yield Provider(url, client, process)
    finally:
        _stop(process)


def _arguments(port: int, options: Options) -> list[str]:
    arguments = ["--port", str(port), "--until-stdin-closes"]
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            arguments.append(flag)
        elif value is not None and value is not False:
            arguments += [flag, str(value)]
    return arguments


def _start(arguments: list[str]) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "cratekeeper_local.provider", *arguments]
    # A session of its own: Ctrl-C is for us, we stop it when we are done.
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def _announced(process: "subprocess.Popen[str]") -> str:
    # Its one line comes once it listens; no line means that it has ended.
    line = process.stdout.readline() if process.stdout else ""
    if (found := re.search(r"http://\S+", line)) is None:
        _, why = process.communicate()
        raise ProviderFailed(why.strip())
    return found[0]


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.communicate(timeout=STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
