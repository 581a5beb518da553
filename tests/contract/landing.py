"""Transfers from a provider that may misbehave into a bucket; the table is in memory, time is real."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Final

from cratekeeper.adapters.provider import HttpProvider
from cratekeeper.adapters.system import SystemClock
from cratekeeper.domain.ids import child_id
from cratekeeper.domain.models import Download, Kind, Media, Upload
from cratekeeper.ports import MediaStore
from cratekeeper.services.lease import Lease
from cratekeeper.services.transfer import MARGIN_S, MOST_IN_ONE_PUT, PART_BYTES, Transfer
from tests.memory.media import MemoryMedia
from tests.memory.world import World
from tests.support.builders import ROOT, a_running

ANSWER_S: Final = 1.0
"""The deadline of one answer: the shortest that a transfer gives."""

WINDOW_S: Final = 0.3
"""A window for the minimum rate that tests of it can wait for; a busy machine may be slower without being broken."""

CLOCK: Final = SystemClock()


def a_provider(url: str, *, timeout_s: float = ANSWER_S, window_s: float = 20.0) -> HttpProvider:
    """The adapter with short patience."""
    return HttpProvider(url, clock=CLOCK, timeout_s=timeout_s, window_s=window_s)


@dataclass(slots=True, kw_only=True)
class Landing:
    """One item after another, each claimed anew for each invocation."""

    url: str
    media: MediaStore = field(default_factory=lambda: MemoryMedia(CLOCK))
    timeout_s: float = ANSWER_S
    part_bytes: int = PART_BYTES
    put_bytes: int = MOST_IN_ONE_PUT
    window_s: float = 20.0
    world: World = field(default_factory=lambda: World.of(limit=None))

    def lease(self, content_id: str, kind: Kind = Kind.TRACK) -> Lease:
        """The claim of the next invocation: one epoch on, with what the last one left."""
        item_id = child_id(ROOT, 1)
        before = self.world.table.download(item_id, a_running(item_id).key)
        item = before or a_running(item_id, content_id=content_id, kind=kind)
        claimed = replace(item, epoch=item.epoch + 1, lease_until=CLOCK.now() + timedelta(seconds=60))
        self.put(claimed)
        return Lease(
            store=self.world.store,
            permits=self.world.permits,
            clock=CLOCK,
            lease_s=60,
            item=claimed,
            held=None,
        )

    def put(self, item: Download) -> None:
        """Have the item in the table."""
        self.world.table.parts.setdefault(item.key.root, {})[item.key.part] = item

    @property
    def item(self) -> Download:
        """The item as it stands."""
        return self.world.item(child_id(ROOT, 1))

    def land(self, content_id: str, kind: Kind = Kind.TRACK, *, seconds: float = 60.0) -> Media | Upload:
        """One invocation that may last so long."""
        return self.carry(self.lease(content_id, kind), seconds=seconds)

    def carry(self, lease: Lease, *, seconds: float = 60.0) -> Media | Upload:
        """One invocation under this lease."""
        transfer = Transfer(
            store=self.world.store,
            catalog=self.world.catalog,
            media=self.media,
            provider=a_provider(self.url, timeout_s=self.timeout_s, window_s=self.window_s),
            clock=CLOCK,
            timeout_s=self.timeout_s,
            part_bytes=self.part_bytes,
            put_bytes=self.put_bytes,
        )
        return transfer.run(lease, deadline=CLOCK.now() + timedelta(seconds=seconds + MARGIN_S))

    def stored(self, media: Media | Upload) -> bytes:
        """The object's bytes, as S3 gives them back; all that is said of them must be so."""
        assert isinstance(media, Media)
        body = b"".join(self.media.read(media.key))
        assert (media.size_bytes, media.sha256) == (len(body), sha256(body).hexdigest())
        return body


def cut(body: bytes, size: int) -> Iterator[bytes]:
    """The body in pieces."""
    return (body[start : start + size] for start in range(0, len(body), size))
