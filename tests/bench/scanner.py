"""A process that looks at a whole library once and says what it took: `python -m tests.bench.scanner '{…}'`."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import boto3
from pydantic import BaseModel

from cratekeeper.adapters.dynamodb.expected import DynamoExpectedMedia
from cratekeeper.adapters.inventory import S3Inventory
from cratekeeper.adapters.lean import lean
from cratekeeper.domain.jobs import WATCHDOG, JobLease, Run
from cratekeeper.domain.models import Kind
from cratekeeper.domain.reconcile import ExpectedObject, StoredObject
from cratekeeper.ports.upkeep import ExpectedMedia, Inventory, OpenUpload
from cratekeeper.services.runner import Task
from cratekeeper.services.watchdog import Watchdog
from tests.bench.library import PAGE, SIZE, key_of
from tests.memory.upkeep import MemoryJobs
from tests.support.crate import Crate
from tests.support.upkeep import kept

FOREVER: Final = timedelta(days=1)


class Job(BaseModel):
    """What to look at, and how.

    way: `watchdog` = a scan of the library at `url`; `plain` = a loop over boto3's paginator there;
    `memory` = a scan of `each` objects a shard that are made up as they are listed.
    """

    way: str
    url: str = ""
    each: int = 0


class Took(NamedTuple):
    """Objects, CPU seconds, and growth of the resident memory in bytes."""

    objects: int
    cpu_s: float
    growth_bytes: int

    @classmethod
    def of(cls, said: str) -> "Took":
        """What a process printed."""
        objects, cpu_s, growth = said.split()
        return cls(int(objects), float(cpu_s), int(growth))


class MadeUp:
    """An inventory and expectations that agree, of so many objects a shard."""

    def __init__(self, each: int) -> None:
        self._each = each

    def objects(self, prefix: str, *, after: str = "") -> Iterator[Sequence[StoredObject]]:
        """Pages of a shard."""
        assert not after
        for start in range(0, self._each, PAGE):
            numbers = range(start, min(start + PAGE, self._each))
            yield [StoredObject(key_of(prefix, number), SIZE) for number in numbers]

    def expected(self, shard: str, *, start: str = "") -> Iterator[ExpectedObject]:
        """Rows of a shard."""
        assert not start
        for number in range(self._each):
            yield ExpectedObject(key_of(shard, number), SIZE, Kind.TRACK, "")

    def find(self, key: str) -> StoredObject | None:
        """Nothing is looked at twice."""
        raise AssertionError(key)

    def uploads(self) -> Iterator[OpenUpload]:
        """None."""
        return iter(())


def scan(inventory: Inventory, expected: ExpectedMedia) -> int:
    """A scan of the service; how many objects it saw."""
    crate = Crate.of()
    clock, records = crate.world.clock, MemoryJobs()
    run = Run(id="01JD", job_id=WATCHDOG, started_at=clock.now(), triggered_by="bench")
    lease = JobLease(run=run, until=clock.now() + FOREVER, owner="bench")
    watchdog = Watchdog(
        inventory=inventory,
        expected=expected,
        catalog=crate.world.catalog,
        history=crate.world.history,
        repair=kept(crate).repair,
        clock=clock,
    )
    task = Task(records=records, clock=clock, lease=lease, deadline=clock.now() + FOREVER, lease_s=60)
    found: Any = watchdog.run(task)
    assert sum(found["counts"].values()) == 0
    return int(found["objects_scanned"])


def plain() -> int:
    """What anybody would write."""
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket="media")
    return sum(each["Size"] > 0 for page in pages for each in page.get("Contents", []))


def _look(job: Job) -> int:
    if job.way == "plain":
        return plain()
    if job.way == "watchdog":
        aws = lean()
        return scan(S3Inventory(aws.s3, "media"), DynamoExpectedMedia(aws.dynamodb, "catalog"))
    made_up = MadeUp(job.each)
    return scan(made_up, made_up)


def _resident_bytes(name: str) -> int:
    try:
        status = Path("/proc/self/status").read_text("utf-8")
    except FileNotFoundError:
        return 0
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024


def main() -> None:
    """Do the job: once for what a process does only once, then measured."""
    job = Job.model_validate_json(sys.argv[1])
    os.environ |= {
        "AWS_ENDPOINT_URL": job.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    scan(MadeUp(PAGE // 10), MadeUp(PAGE // 10))
    boto3.client("s3")
    before, began = _resident_bytes("VmRSS"), time.process_time()
    objects = _look(job)
    cpu_s = time.process_time() - began
    print(objects, cpu_s, _resident_bytes("VmHWM") - before)


if __name__ == "__main__":
    main()
