"""What keeps the library whole: listings of the bucket, what the catalog expects, and the jobs' own records."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from cratekeeper.domain.jobs import JobLease, JobState, Run
    from cratekeeper.domain.models import Kind, Usage
    from cratekeeper.domain.reconcile import ExpectedObject, StoredObject


class OpenUpload(NamedTuple):
    """A multipart upload that was neither completed nor aborted."""

    key: str
    upload_id: str
    begun_at: datetime


class Inventory(Protocol):
    """Listings of the media bucket: whole pages, never one request an object."""

    def objects(self, prefix: str, *, after: str = "") -> Iterator[Sequence[StoredObject]]:
        """The objects below a prefix with keys behind `after`, in key order, in pages of at most 1,000.

        One request a page, and one for nothing at all; what was stored before the request is in it.
        """
        ...

    def find(self, key: str) -> StoredObject | None:
        """One object, by a listing too: the right to list is not the right to read."""
        ...

    def uploads(self) -> Iterator[OpenUpload]:
        """Every open multipart upload."""
        ...


class ExpectedMedia(Protocol):
    """The catalog's media rows in the order of S3 keys."""

    def expected(self, shard: str, *, start: str = "") -> Iterator[ExpectedObject]:
        """The rows of a shard (`reconcile.SHARDS`) from the key stem `start` on; may lag behind the last seconds."""
        ...


class JobRecords(Protocol):
    """State and runs of the jobs."""

    def read(self, job_id: str, *, runs: int) -> JobState:
        """The job's lease and its newest `runs` ended runs; strong."""
        ...

    def swap(self, job_id: str, before: JobLease | None, after: JobLease | None, *, ended: Run | None = None) -> bool:
        """Replace exactly the lease `before` (None = there is none), and store an ended run in the same write.

        False, and nothing written, if the lease is another. A repeated swap answers like its first success.
        """
        ...


class Starter(Protocol):
    """Functions, asked to run a job without anybody waiting for it."""

    def start(self, job_id: str, run_id: str) -> None:
        """Have the run begin, or go on, in a process of its own."""
        ...


class HeldLock(NamedTuple):
    """An active-content lock and its holder."""

    kind: Kind
    content_id: str
    holder: str


class UsageRecords(Protocol):
    """The parts of the queue table that are told twice, and could disagree."""

    def claims(self) -> Iterator[Usage | HeldLock]:
        """Every user's usage and every lock; page by page, never on a hot path."""
        ...


class OldHistory(Protocol):
    """History that is over its retention."""

    def older_than(self, moment: datetime, *, on_day: str) -> Iterable[Mapping[str, str]]:
        """The keys of the events of a day (ISO date) before `moment`."""
        ...

    def remove(self, keys: Sequence[Mapping[str, str]]) -> None:
        """Delete them; deleting what is gone is harmless."""
        ...
