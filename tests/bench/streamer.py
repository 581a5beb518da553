"""A worker process that streams one file and says what it took: `python -m tests.bench.streamer '{…}'`.

The real transfer with the real provider, hash, inspector and S3 adapters; the queue table and the
catalog are in memory, for they are not what grows.
"""

import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import RawIOBase
from pathlib import Path
from typing import Any, Final, NamedTuple

import boto3
from pydantic import BaseModel
from typing_extensions import override

from cratekeeper.adapters.aws import Aws
from cratekeeper.adapters.provider import HttpProvider
from cratekeeper.adapters.s3 import S3Media
from cratekeeper.adapters.system import SystemClock
from cratekeeper.domain.ids import child_id
from cratekeeper.domain.models import Media
from cratekeeper.domain.writes import Create
from cratekeeper.services.lease import Lease
from cratekeeper.services.transfer import Transfer
from tests.memory.world import World
from tests.support.builders import ROOT, a_running

BUCKET: Final = "media"
PIECE: Final = bytes(2**18)
PROVIDER_TIMEOUT_S: Final = 300.0
"""The deployment's default: it decides what goes in one PUT."""


class Job(BaseModel):
    """What to stream, and how.

    way: `product` = the transfer service from the provider's track; `adapter` = synthetic bytes,
    hashed, through the S3 adapter; `bare` = the same without the hash; `boto3` = synthetic bytes
    through `upload_fileobj`. `timeout_s` is the provider's; `warm_up` a small track to begin with.
    """

    way: str
    sink: str
    provider: str = ""
    track_id: str = ""
    warm_up: str = ""
    size_bytes: int = 0
    timeout_s: float = PROVIDER_TIMEOUT_S


class Took(NamedTuple):
    """Resident memory before, its peak while streaming, CPU seconds and bytes."""

    before_bytes: int
    peak_bytes: int
    cpu_s: float
    wall_s: float
    size_bytes: int

    @classmethod
    def of(cls, printed: str) -> "Took":
        """From what the process printed."""
        return cls(**json.loads(printed))


def main() -> None:
    """Run the job of the first argument and print what it took."""
    job = Job.model_validate_json(sys.argv[1])
    os.environ |= {"AWS_ENDPOINT_URL": job.sink, "AWS_DEFAULT_REGION": "us-east-1"}
    stream = _WAYS[job.way](job)
    stream(job.warm_up, 2**20)
    before_bytes = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    size_bytes = stream(job.track_id, job.size_bytes)
    took = Took(before_bytes, _memory("VmHWM"), time.process_time() - cpu_s, time.perf_counter() - wall_s, size_bytes)
    print(json.dumps(took._asdict()))


def _memory(line: str) -> int:
    """Bytes that the kernel says of this process."""
    found = re.search(rf"{line}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


Stream = Callable[[str, int], int]
"""Streams a track, or so many synthetic bytes; returns how many came."""


def _product(job: Job) -> Stream:
    world, clock, numbers = World.of(), SystemClock(), iter(range(1, 9))
    transfer = Transfer(
        store=world.store,
        catalog=world.catalog,
        media=S3Media(_session_clients().s3, BUCKET),
        provider=HttpProvider(job.provider, clock=clock),
        clock=clock,
        timeout_s=job.timeout_s,
    )

    def stream(track_id: str, size_bytes: int) -> int:
        del size_bytes
        now = clock.now()
        item = a_running(
            child_id(ROOT, next(numbers)), content_id=track_id, lease_until=now + timedelta(hours=1), waiting=None
        )
        world.store.commit(Create(item))
        lease = Lease(store=world.store, permits=world.permits, clock=clock, lease_s=3600, item=item, held=None)
        got = transfer.run(lease, deadline=now + timedelta(hours=1))
        assert isinstance(got, Media)
        return got.size_bytes

    return stream


def _adapter(job: Job, *, is_hashed: bool = True) -> Stream:
    del job
    media = S3Media(_session_clients().s3, BUCKET)

    def stream(track_id: str, size_bytes: int) -> int:
        digest = hashlib.sha256()
        pieces = _hashed(_pieces(size_bytes), digest) if is_hashed else _pieces(size_bytes)
        media.put(f"audio/{track_id or 'x'}", pieces, size_bytes=size_bytes, content_type="audio/wav")
        return size_bytes

    return stream


def _bare(job: Job) -> Stream:
    return _adapter(job, is_hashed=False)


def _boto3(job: Job) -> Stream:
    del job
    client = _session_clients().s3

    def stream(track_id: str, size_bytes: int) -> int:
        body: Any = _File(size_bytes)
        client.upload_fileobj(body, BUCKET, f"audio/{track_id or 'x'}")
        return size_bytes

    return stream


def _session_clients() -> Aws:
    return Aws(boto3.Session(aws_access_key_id="test", aws_secret_access_key="test"))


def _pieces(size_bytes: int) -> Iterator[bytes]:
    for _ in range(size_bytes // len(PIECE)):
        yield PIECE


def _hashed(pieces: Iterator[bytes], digest: Any) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


class _File(RawIOBase):
    """Synthetic bytes as a file that cannot be sought in, as a download is."""

    def __init__(self, size_bytes: int) -> None:
        self._left = size_bytes

    @override
    def readable(self) -> bool:
        return True

    @override
    def read(self, size: int = -1, /) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        self._left -= wanted
        return bytes(wanted)


_WAYS: Final[dict[str, Callable[[Job], Stream]]] = {
    "product": _product,
    "adapter": _adapter,
    "bare": _bare,
    "boto3": _boto3,
}

if __name__ == "__main__":
    main()
