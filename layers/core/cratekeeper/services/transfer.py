"""Transfer: a track's or picture's bytes from the provider to S3, streamed, verified, never overwritten."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal

from cratekeeper.domain.errors import LeaseLost, NotFound, ObjectExists, TransferFailed, WriteRefused
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.media import CorruptMedia, Inspector, audio_key, image_key
from cratekeeper.domain.models import Download, Kind, Media, Upload
from cratekeeper.domain.text import one_line
from cratekeeper.domain.transitions import name, save_upload
from cratekeeper.domain.writes import Change
from cratekeeper.ports import Body, CatalogStore, Clock, DownloadStore, MediaStore, Part, Provider
from cratekeeper.services.lease import Lease

PART_BYTES: Final = 8 * 2**20
"""Size of a part, and the most that is held in memory of one file."""

MOST_IN_ONE_PUT: Final = 5 * 10**9
"""S3's bound for a single PutObject."""

SLOWEST_BYTES_PER_S: Final = 2**20
"""A file that would not fit the time left at this rate goes in parts, so that it can go on later."""

MARGIN_S: Final = 10
"""What is kept of an invocation's time for writing down how far the transfer has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Moves bytes. Nothing stands under a final key before it was verified, but for resumed files.

    Args:
        timeout_s: deadline of one answer of the provider, in seconds.
    """

    store: DownloadStore
    catalog: CatalogStore
    media: MediaStore
    provider: Provider
    clock: Clock
    timeout_s: float

    def run(self, lease: Lease, *, deadline: datetime) -> Media | Upload:
        """Land the item's bytes; Upload = the time is over, the next invocation goes on.

        Raises TransferFailed, LeaseLost, Unavailable.
        """
        item = lease.item
        album_id = self._describe(item) if item.is_root and item.kind is Kind.TRACK else None
        result = self._stored(item) or self._fetch(lease, deadline)
        if album_id and isinstance(result, Media):
            self.catalog.found(album_id, item.content_id)
        return result

    def _describe(self, item: Download) -> str:
        """A track that was asked for by itself gets its catalog row; returns its album's id."""
        track = self.provider.track(item.content_id)
        self.catalog.ingest_track(track)
        if item.content_name is None:
            self._write(item, name(item, content_name=one_line(track.name), artist_name=None))
        return track.album_id

    def _stored(self, item: Download) -> Media | None:
        """The object, if the catalog has it and it is whole: then no request is made."""
        if item.force or not (item.stored or item.is_root):
            return None
        row = self.catalog.media([(item.kind, item.content_id)]).get(item.content_id)
        if row is None:
            return None
        found = self.media.head(row.media.key)
        return row.media if found and found.size_bytes == row.media.size_bytes else None

    def _fetch(self, lease: Lease, deadline: datetime) -> Media | Upload:
        """One request; a second one only where a broken object must be replaced."""
        try:
            return self._stream(lease, deadline, if_match=None)
        except _Occupied as occupied:
            adopted = self._adopt(lease, occupied.key)
            return adopted or self._stream(lease, deadline, if_match=self._broken(occupied.key))

    def _broken(self, key: str) -> str | None:
        found = self.media.head(key)
        return found.etag if found else None

    def _stream(self, lease: Lease, deadline: datetime, *, if_match: str | None) -> Media | Upload:
        """Ask the provider and store what comes."""
        left_s = max(1.0, (deadline - self.clock.now()).total_seconds() - MARGIN_S)
        resumed = self._resumable(lease.item)
        offset = sum(part.size_bytes for part in resumed.parts) if resumed else 0
        try:
            with self._open(lease.item, resumed, offset, deadline_s=min(self.timeout_s, left_s)) as body:
                target = _Target(item=lease.item, body=body, if_match=if_match)
                with lease.aborting(body.abort):
                    if resumed and body.offset == offset and offset:
                        return self._in_parts(lease, target, resumed, deadline)
                    self._forget(lease.item, resumed)
                    if _fits_one_put(body.length, min(self.timeout_s, left_s)):
                        return self._in_one_put(target)
                    return self._unknown_length(lease, target, deadline)
        except CorruptMedia as error:
            raise TransferFailed(ErrorType.CORRUPT, str(error)) from error

    def _open(
        self, item: Download, resumed: "_Resumed | None", offset: int, *, deadline_s: float
    ) -> AbstractContextManager[Body]:
        if item.kind is not Kind.TRACK:
            return self.provider.image(item.content_id, deadline_s=deadline_s)
        etag = resumed.upload.source_etag if resumed else None
        return self.provider.audio(item.content_id, offset=offset, etag=etag, deadline_s=deadline_s)

    def _in_one_put(self, target: "_Target") -> Media:
        """Known length: one streaming PutObject whose last bytes are held back until all is verified."""
        size_bytes = target.body.length or 0
        self._put(target, target.verified(target.body.chunks()), size_bytes)
        return target.result()

    def _put(self, target: "_Target", chunks: Iterator[bytes], size_bytes: int) -> None:
        try:
            self.media.put(
                target.key, chunks, size_bytes=size_bytes, content_type=target.content_type, if_match=target.if_match
            )
        except ObjectExists as error:
            raise _Occupied(target.key) from error

    def _unknown_length(self, lease: Lease, target: "_Target", deadline: datetime) -> Media | Upload:
        """A body that ends within one part is one put all the same; a longer one goes in parts."""
        parts = _parts(target.verified(target.body.chunks()))
        first = next(parts, b"")
        second = next(parts, None)
        if second is None:
            self._put(target, iter([first]), len(first))
            return target.result()
        upload = Upload(
            key=target.key,
            upload_id=self.media.begin(target.key, content_type=target.content_type),
            source_etag=target.body.etag,
            length=target.body.length,
        )
        self._save(lease.item, upload)
        resumed = _Resumed(upload=upload, parts=[])
        return self._send(lease, target, resumed, _chain(first, second, parts), deadline)

    def _in_parts(self, lease: Lease, target: "_Target", resumed: "_Resumed", deadline: datetime) -> Media | Upload:
        """Go on after the stored parts; what is whole then is read back once to be verified."""
        if resumed.upload.length != target.body.length:
            raise CorruptMedia(f"the size changed from {resumed.upload.length} to {target.body.length}")
        return self._send(lease, target, resumed, _parts(target.body.chunks()), deadline)

    def _send(
        self, lease: Lease, target: "_Target", resumed: "_Resumed", parts: Iterator[bytes], deadline: datetime
    ) -> Media | Upload:
        """Send parts until the body or the time ends; a finished upload becomes the object."""
        upload, etags = resumed.upload, [part.etag for part in resumed.parts]
        is_resumed = bool(etags)
        try:
            for part in parts:
                lease.check()
                etags.append(self.media.put_part(upload.key, upload.upload_id, len(etags) + 1, part))
                if (deadline - self.clock.now()).total_seconds() < MARGIN_S:
                    return upload
            etag = self.media.complete(upload.key, upload.upload_id, etags, if_match=target.if_match)
        except ObjectExists as error:
            self._forget(lease.item, resumed)
            raise _Occupied(upload.key) from error
        except NotFound as error:
            self._save(lease.item, None)
            raise TransferFailed(ErrorType.STORAGE, "the multipart upload is gone; it starts anew") from error
        except CorruptMedia:
            self._forget(lease.item, resumed)
            raise
        return self._read_back(upload.key, etag, target) if is_resumed else target.result()

    def _read_back(self, key: str, etag: str, target: "_Target") -> Media:
        """Verify a resumed file as a whole: a hash cannot outlive its process."""
        whole = _Target(item=target.item, body=target.body, if_match=None)
        try:
            for _ in whole.verified(self.media.read(key)):
                pass
        except CorruptMedia:
            self.media.discard(key, etag=etag)
            raise
        return whole.result()

    def _adopt(self, lease: Lease, key: str) -> Media | None:
        """Somebody stored the object first: take it if it is whole, None if it is broken."""
        item = lease.item
        found = self.media.head(key)
        if found is None:
            return None
        row = self.catalog.media([(item.kind, item.content_id)]).get(item.content_id)
        if row and (row.media.key, row.media.size_bytes) == (key, found.size_bytes):
            return row.media
        whole = _Verifier(
            Inspector(
                found.content_type, declared_length=found.size_bytes, complete_by_framing=True, kind=_FAMILY[item.kind]
            )
        )
        try:
            for _ in whole.verified(self.media.read(key)):
                lease.check()
        except (CorruptMedia, NotFound):
            return None
        return whole.media(key)

    def _resumable(self, item: Download) -> "_Resumed | None":
        """The stored parts of the item's own upload; parts of another size than ours end the row."""
        if item.upload is None:
            return None
        parts: list[Part] = []
        with suppress(NotFound):
            parts = self.media.parts(item.upload.key, item.upload.upload_id)
        whole = [part for part in parts if part.size_bytes == PART_BYTES] if item.upload.source_etag else []
        return _Resumed(upload=item.upload, parts=whole)

    def _forget(self, item: Download, resumed: "_Resumed | None") -> None:
        """Throw an upload away that is of no more use: the transfer starts at byte 0."""
        if resumed:
            self._save(item, None)
            self.media.abort(resumed.upload.key, resumed.upload.upload_id)

    def _save(self, item: Download, upload: Upload | None) -> None:
        self._write(item, save_upload(item, upload))

    def _write(self, item: Download, change: Change) -> None:
        try:
            self.store.write(change)
        except WriteRefused as refused:
            raise LeaseLost(item.id) from refused


_FAMILY: Final = MappingProxyType[Kind, Literal["audio", "image"]]({
    Kind.TRACK: "audio",
    Kind.ALBUM_IMAGE: "image",
    Kind.ARTIST_IMAGE: "image",
})


class _Occupied(Exception):
    """The key holds an object already."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resumed:
    """An upload begun by an earlier claim, with the parts that can be used."""

    upload: Upload
    parts: list[Part]


class _Verifier:
    """Counts, hashes and inspects bytes as they pass."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._digest = hashlib.sha256()
        self._inspected: tuple[str, int] | None = None

    def verified(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same bytes; the last chunk comes only once the whole is known to be good."""
        last = b""
        for chunk in chunks:
            self._inspector.feed(chunk)
            self._digest.update(chunk)
            if last:
                yield last
            last = chunk
        found = self._inspector.finish()
        self._inspected = found.content_type, found.size_bytes
        yield last

    def media(self, key: str) -> Media:
        """What was verified, under its key."""
        content_type, size_bytes = self._inspected or ("", 0)
        return Media(key=key, size_bytes=size_bytes, sha256=self._digest.hexdigest(), content_type=content_type)


class _Target(_Verifier):
    """One answer on its way to its key."""

    def __init__(self, *, item: Download, body: Body, if_match: str | None) -> None:
        super().__init__(
            Inspector(
                body.content_type,
                declared_length=body.length,
                complete_by_framing=body.is_framed,
                kind=_FAMILY[item.kind],
            )
        )
        self.item = item
        self.body = body
        self.if_match = if_match
        self.content_type = body.content_type
        build = audio_key if item.kind is Kind.TRACK else image_key
        self.key = build(item.content_id, body.content_type)

    def result(self) -> Media:
        """The verified object."""
        return self.media(self.key)


def _fits_one_put(length: int | None, left_s: float) -> bool:
    return length is not None and length <= min(MOST_IN_ONE_PUT, left_s * SLOWEST_BYTES_PER_S)


def _parts(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes in pieces of PART_BYTES, the last one shorter."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= PART_BYTES:
            yield bytes(buffer[:PART_BYTES])
            del buffer[:PART_BYTES]
    if buffer:
        yield bytes(buffer)


def _chain(first: bytes, second: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield second
    yield from rest
