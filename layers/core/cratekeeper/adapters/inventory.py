"""Listings of the media bucket (`Inventory`), on a lean session: nothing but keys and sizes is looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cratekeeper.adapters.aws import outages
from cratekeeper.domain.reconcile import StoredObject
from cratekeeper.ports.upkeep import OpenUpload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_s3 import S3Client


class S3Inventory:
    """The port `Inventory` on S3.

    Args:
        client: of a lean session (`adapters.lean`); of any other it works too, at five times the CPU.
        bucket: name of the bucket.

    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def objects(self, prefix: str, *, after: str = "") -> Iterator[Sequence[StoredObject]]:
        """One ListObjectsV2 a page; `after` only begins it, the service's own token goes on."""
        more: dict[str, Any] = {"StartAfter": after} if after else {}
        while True:
            with outages():
                page: Any = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **more)
            yield [StoredObject(each["Key"], each["Size"]) for each in page.get("Contents", ())]
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def find(self, key: str) -> StoredObject | None:
        """One ListObjectsV2: of all keys that begin like this one, it is the first."""
        with outages():
            page: Any = self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        found = [StoredObject(each["Key"], each["Size"]) for each in page.get("Contents", ())]
        return found[0] if found and found[0].key == key else None

    def uploads(self) -> Iterator[OpenUpload]:
        """One ListMultipartUploads for each 1,000."""
        with outages():
            pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket)
            for each in (upload for page in pages for upload in page.get("Uploads", ())):
                begun: Any = each.get("Initiated")
                yield OpenUpload(each.get("Key", ""), each.get("UploadId", ""), _moment(begun))


def _moment(value: str | datetime) -> datetime:
    """A lean session leaves times as texts."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.astimezone(UTC)
