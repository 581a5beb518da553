"""The memory that the worst answers cost, measured in a process of its own (I33: at most 64 MiB)."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from json import dumps
from pathlib import Path
from socket import socket
from typing import Any, Final

import pytest

from cratekeeper_local.provider.child import Provider, running
from cratekeeper_local.provider.ids import content_id
from tests.contract.sockets import answering, read_head
from tests.facts.tree import ROOT

MIB: Final = 2**20
ALBUM: Final = content_id("album", "Long")
TRACK: Final = content_id("track", "Long/1")
AUDIO: Final = f"/track/{TRACK}/audio"
FAULTS: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("put", "wrong_type", {"type": "audio/x-wav"}),
    ("audio", "chunked", {}),
    ("audio", "endless", {}),
    ("audio", "gzip_body", {"size_bytes": 32 * MIB}),
    ("track", "huge_title", {}),
    ("track", "deep_json", {"depth": 2 * MIB - 200}),
    ("track", "endless", {}),
]
"""What is asked for, and how the demo provider misbehaves."""

OK: Final = b"HTTP/1.1 200 OK\r\n"
A_TRACK: Final = dumps({"id": TRACK, "name": "n", "album_id": ALBUM}).encode()
AN_ALBUM: Final = OK + b"\r\n" + dumps({"id": ALBUM, "name": "n", "artists_ids": []}).encode()
LITERAL: Final = [
    ("audio", OK + b"X-Long: " + b"x" * 8 * MIB),
    ("audio", OK + b"X: x\r\n" * MIB),
    ("audio", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 200_000),
    ("album", OK + b"\r\n[" + b"{}," * 1_390_000 + b"{}]"),
    ("track", OK + b"\r\n" + A_TRACK[:-1] + b', "more": [' + b"[]," * 1_390_000 + b"[]]}"),
    ("track", OK + b"\r\n" + A_TRACK[:-1] + b', "more": [' + b"0," * 2_000_000 + b"0]}"),
    ("track", OK + b"\r\n" + A_TRACK[:-1] + b', "more": [' + b"[]," * 149_000 + b"[]]}"),
    ("album", OK + b"\r\n[" + (A_TRACK + b",") * 19_999 + A_TRACK + b"]"),
]
"""What is asked for, and what is said: heads without an end, and four megabytes of small things."""


pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells the peak")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    library = tmp_path_factory.mktemp("library") / "long.json"
    album = {"name": "Long", "artists": ["A"], "tracks": 5_000, "wav_bytes": 64 * MIB}
    library.write_text(dumps({"albums": [album]}))
    with running(library=library) as child:
        yield child


class Scales:
    """A process that asks, and tells what each answer cost it."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self._child = child

    def weigh(self, wanted: str, *, url: str) -> tuple[float, str]:
        """The process's peak in MiB, and what came of it."""
        assert self._child.stdin
        assert self._child.stdout
        asked = ALBUM if wanted == "album" else TRACK
        self._child.stdin.write(f"{wanted} {url} {asked}\n")
        self._child.stdin.flush()
        peak_mib, came = self._child.stdout.readline().split()
        return float(peak_mib), came


@pytest.fixture(scope="module")
def scales() -> Iterator[Scales]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "tests.contract.memory_child"]
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as child:
        yield Scales(child)


@contextmanager
def saying(text: bytes) -> Iterator[str]:
    def behave(connection: socket) -> None:
        is_album = read_head(connection).startswith(f"GET /album/{ALBUM} ".encode())
        connection.sendall(AN_ALBUM if is_album else text)

    with answering(behave) as port:
        yield f"http://127.0.0.1:{port}"


def test_no_answer_costs_more_than_64_mib(provider: Provider, scales: Scales) -> None:
    before_mib, _ = scales.weigh("track", url=provider.url)
    weighed = [scales.weigh("album", url=provider.url)]
    for wanted, behaviour, params in FAULTS:
        provider.fault(f"/track/{TRACK}" if wanted == "track" else AUDIO, behaviour, **params)
        weighed.append(scales.weigh(wanted, url=provider.url))
        assert provider.client.get("/__faults").json() == []
    for wanted, text in LITERAL:
        with saying(text) as url:
            weighed.append(scales.weigh(wanted, url=url))
    assert max(peak_mib for peak_mib, _ in weighed) - before_mib <= 64, weighed
