"""Collecting: multipart uploads whose item is active no more are aborted (F-08)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from cratekeeper.domain.errors import WriteRefused
from cratekeeper.domain.models import Family
from cratekeeper.domain.transitions import drop_upload
from cratekeeper.ports import DownloadStore, MediaStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """Aborts what a cancelled or lost transfer has left in S3. Those of active items are kept: they go on.

    Args:
        media: gives the bucket; asked only when there is something to abort.
    """

    store: DownloadStore
    media: Callable[[], MediaStore]

    def uploads_of(self, family: Family) -> int:
        """Abort the uploads of the family's ended downloads; returns how many there were."""
        ended = [(item, item.upload) for item in (family.root, *family.children) if item.is_terminal and item.upload]
        for item, upload in ended:
            self.media().abort(upload.key, upload.upload_id)
            with suppress(WriteRefused):  # retried meanwhile: its next attempt finds the upload gone and begins anew
                self.store.write(drop_upload(item))
        return len(ended)
