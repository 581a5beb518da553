"""S1 and S2: memory and CPU of a worker process that streams into a sink; Linux only, by /proc."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cratekeeper.services.transfer import PART_BYTES
from cratekeeper_local.provider.child import running as provider_running
from cratekeeper_local.provider.ids import content_id
from cratekeeper_local.provider.shelf import AlbumSpec, Shelf
from tests.bench import sink
from tests.bench.streamer import PROVIDER_TIMEOUT_S, Job, Took

MB: Final = 2**20
SMALL: Final = 64 * MB
LARGE: Final = 2048 * MB
SYNTHETIC: Final = 512 * MB
ONE_PUT_S: Final = 3600.0
"""A provider timeout under which the large file goes in one PUT too."""

ONE_PUT_BYTES: Final = 2 * MB
ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Growth:
    """What streaming one file of the provider took."""

    name: str
    took: Took
    puts: int
    most_bytes: int
    """What it may grow by: little, or by one part where the file goes in parts."""

    @property
    def growth_bytes(self) -> int:
        """Peak above the resident memory before."""
        return self.took.peak_bytes - self.took.before_bytes


@contextmanager
def library(*sizes: int) -> Iterator[str]:
    """A provider of one album for each size, with one WAV file of it; its URL."""
    albums = [
        AlbumSpec(name=_album(size), artists=("The Field Recorders",), tracks=1, wav_bytes=size) for size in sizes
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "library.json")
        file.write_text(Shelf(albums=tuple(albums)).model_dump_json(), "utf-8")
        with provider_running(library=file) as provider:
            yield provider.url


def _album(size_bytes: int) -> str:
    return f"Tone of {size_bytes} Bytes"


def track_of(size_bytes: int) -> str:
    """The id of the track of that size."""
    return content_id("track", f"{_album(size_bytes)}/1")


def growth(*, small: int = SMALL, large: int = LARGE) -> list[Growth]:
    """The small file; the large one in parts, as the product sends it by default; the large one in one PUT."""
    with library(MB, small, large) as provider:
        return [
            _streamed(f"{small // MB} MiB in one PUT", provider, small),
            _streamed(f"{large // MB} MiB in one PUT", provider, large, timeout_s=ONE_PUT_S),
            _streamed(f"{large // MB} MiB in parts", provider, large),
        ]


def _streamed(name: str, provider: str, size_bytes: int, *, timeout_s: float = PROVIDER_TIMEOUT_S) -> Growth:
    with sink.running() as url:
        took = run(
            Job(
                way="product",
                sink=url,
                provider=provider,
                warm_up=track_of(MB),
                track_id=track_of(size_bytes),
                timeout_s=timeout_s,
            )
        )
        puts = sink.puts(url) - 1  # the warm-up's
        return Growth(name, took, puts, PART_BYTES if puts > 1 else ONE_PUT_BYTES)


def run(job: Job) -> Took:
    """A job in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.streamer", job.model_dump_json()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Took.of(done.stdout)


def cpu_of_ways(*, size_bytes: int = SYNTHETIC, rounds: int = ROUNDS) -> dict[str, float]:
    """CPU seconds per GB by way: interleaved, the least of so many rounds."""
    found: dict[str, list[float]] = {}
    with sink.running() as url:
        for _ in range(rounds):
            for way in ("adapter", "bare", "boto3"):
                took = run(Job(way=way, sink=url, size_bytes=size_bytes))
                found.setdefault(way, []).append(took.cpu_s / took.size_bytes * 1e9)
    return {way: min(times) for way, times in found.items()}
