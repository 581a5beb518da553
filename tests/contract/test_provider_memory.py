"""The memory that the worst answers cost, measured in a process of its own (I33: at most 64 MiB)."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from json import dumps
from pathlib import Path
from typing import IO, Any, Final

import pytest

from cratekeeper_local.provider.child import Provider, running
from cratekeeper_local.provider.ids import content_id
from tests.facts.tree import ROOT

MIB: Final = 2**20
ALBUM: Final = content_id("album", "Long")
TRACK: Final = content_id("track", "Long/1")
ROW: Final = {"id": "{}", "name": "A title of forty characters, or about that", "album_id": ALBUM, "artists_ids": []}
WORST: Final[list[tuple[str, str, str, str, dict[str, Any]]]] = [
    ("whole", "put", TRACK, "chunked", {}),
    ("parts", "audio", TRACK, "truncate", {"keep": 1}),
    ("endless", "audio", TRACK, "endless", {}),
    ("bomb", "audio", TRACK, "gzip_body", {"size_bytes": 128 * MIB}),
    ("long-head", "audio", TRACK, "headers", {"headers": [["X-Long", "x" * 8 * MIB]]}),
    ("many-heads", "audio", TRACK, "headers", {"headers": [["X", "x"]] * 100_000}),
    ("title", "track", TRACK, "huge_title", {}),
    ("deep", "track", TRACK, "deep_json", {"depth": 2 * MIB - 200}),
    ("wide", "track", TRACK, "set_field", {"field": "more", "value": [[]] * 900_000}),
    ("bad-rows", "album", ALBUM, "raw", {"text": "HTTP/1.1 200 OK\r\n\r\n[" + "{}," * 1_300_000 + "{}]"}),
    ("json-endless", "track", TRACK, "endless", {}),
]
"""Name, what is asked for, its id, and the behaviour."""


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    library = tmp_path_factory.mktemp("library") / "long.json"
    album = {"name": "Long", "artists": ["A"], "tracks": 5_000, "wav_bytes": 64 * MIB}
    library.write_text(dumps({"albums": [album]}))
    with running(library=library) as child:
        yield child


@contextmanager
def measuring(url: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.contract.memory_child", url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as child:
        yield child
        assert child.stdin
        child.stdin.close()


def measured(child: "subprocess.Popen[str]", name: str, wanted: str, asked: str) -> float:
    assert child.stdin
    assert child.stdout
    child.stdin.write(f"{name} {wanted} {asked}\n")
    child.stdin.flush()
    return float(child.stdout.readline().split()[1])


def test_no_answer_costs_more_than_64_mib(provider: Provider) -> None:
    with measuring(provider.url) as child:
        measured(child, "warm", "track", TRACK)
        grown = {"album of 5,000": measured(child, "album", "album", ALBUM)}
        for name, wanted, asked, behaviour, params in WORST:
            match = f"/album/{ALBUM}/tracks" if name == "bad-rows" else f"/track/{TRACK}"
            provider.fault(match + ("/audio" if wanted in {"audio", "put"} else ""), behaviour, **params)
            grown[name] = measured(child, name, wanted, asked)
            assert provider.client.get("/__faults").json() == []
    print(grown)
    assert sum(grown.values()) <= 64, grown
