"""Transfer: a track's or picture's bytes from the provider to S3, streamed, verified, never overwritten."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from cratekeeper.domain.errors import LeaseLost, NotFound, ObjectExists, TransferFailed, WriteRefused
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.media import CorruptMedia, Inspector, audio_key, image_key, media_type
from cratekeeper.domain.models import Download, Kind, Media, Upload
from cratekeeper.domain.text import one_line
from cratekeeper.domain.transitions import name, save_upload
from cratekeeper.domain.writes import Change
from cratekeeper.ports import Body, CatalogStore, Clock, DownloadStore, MediaStore, Part, Provider
from cratekeeper.services.lease import Lease
from cratekeeper.services.passing import Piece, Verifier, pieces

PART_BYTES: Final = 8 * 2**20
"""Size of a part, and the most that is held in memory of one file, but for its last pieces."""

MOST_PARTS: Final = 10_000
"""S3's bound for a multipart upload: files end at 78 GiB, and so does what never ends."""

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
        part_bytes: size of a part; S3 wants 5 MiB at least.
        put_bytes: most that goes in one PutObject; larger files go in parts.
    """

    store: DownloadStore
    catalog: CatalogStore
    media: MediaStore
    provider: Provider
    clock: Clock
    timeout_s: float
    part_bytes: int = PART_BYTES
    put_bytes: int = MOST_IN_ONE_PUT

    def run(self, lease: Lease, *, deadline: datetime) -> Media | Upload:
        """Land the item's bytes; Upload = the time is over, the next invocation goes on.

        Raises TransferFailed, LeaseLost, Unavailable.
        """
        item = lease.item
        if item.is_root and item.kind is Kind.TRACK:
            self._describe(item)
        return self._stored(item) or self._fetch(lease, deadline)

    def _describe(self, item: Download) -> None:
        """A track that was asked for by itself gets its catalog row, and its name."""
        track = self.provider.track(item.content_id)
        self.catalog.ingest_track(track)
        if item.content_name is None:
            self._write(item, name(item, content_name=one_line(track.name), artist_name=None))

    def _stored(self, item: Download) -> Media | None:
        """The object, if the catalog has it and it is whole: then no request is made."""
        if item.force or not (item.stored or item.is_root):
            return None
        row = self.catalog.media([(item.kind, item.content_id)]).get(item.content_id)
        if row is None or row.media is None:
            return None
        found = self.media.head(row.media.key)
        return row.media if found and found.size_bytes == row.media.size_bytes else None

    def _fetch(self, lease: Lease, deadline: datetime) -> Media | Upload:
        """One request; a second one only where a broken object must be replaced."""
        try:
            return self._stream(lease, deadline, if_match=None)
        except _Occupied as occupied:
            found = self._adopt(lease, occupied.key)
            return found if isinstance(found, Media) else self._replace(lease, deadline, found)

    def _replace(self, lease: Lease, deadline: datetime, broken: "_Broken") -> Media | Upload:
        """Put a whole object in the place of exactly the one that was seen to be broken (I15)."""
        try:
            return self._stream(lease, deadline, if_match=broken.etag)
        except _Occupied as occupied:
            # Perhaps our own put, whose answer was lost (I6).
            found = self._adopt(lease, occupied.key)
            if isinstance(found, Media):
                return found
            raise TransferFailed(ErrorType.STORAGE, "somebody else is storing the object") from occupied

    def _stream(self, lease: Lease, deadline: datetime, *, if_match: str | None) -> Media | Upload:
        """Ask the provider and store what comes."""
        now = self.clock.now()
        left_s = max(1.0, min(self.timeout_s, (deadline - now).total_seconds() - MARGIN_S))
        run = self._begun(lease, ends=now + timedelta(seconds=left_s), if_match=if_match)
        try:
            with self._open(run, deadline_s=left_s) as body, lease.aborting(body.abort):
                return self._store(run, body, fits_one_put=self._fits_one_put(body.length, left_s))
        except CorruptMedia as error:
            self._forget(run)
            raise TransferFailed(ErrorType.CORRUPT, str(error)) from error
        except TransferFailed as failure:
            if run.upload and failure.error_type is ErrorType.TIMEOUT and self._goes_on_later(run):
                return run.upload
            if not run.is_answered and failure.error_type in _NOT_RESUMABLE:
                self._forget(run)
            raise

    def _fits_one_put(self, length: int | None, left_s: float) -> bool:
        return length is not None and length <= min(self.put_bytes, left_s * SLOWEST_BYTES_PER_S)

    def _begun(self, lease: Lease, *, ends: datetime, if_match: str | None) -> "_Run":
        """A run that goes on after the stored parts of the item's own upload, as far as they can be used.

        At least one byte is left to ask for: a Range from the end of the file on is refused.
        """
        upload = lease.item.upload
        parts: list[Part] = []
        if upload and upload.source_etag:
            with suppress(NotFound):
                parts = self.media.parts(upload.key, upload.upload_id)
        whole = list(takewhile(lambda part: part.size_bytes == self.part_bytes, parts))
        if upload and upload.length is not None:
            whole = whole[: max(0, upload.length - 1) // self.part_bytes]
        etags = [part.etag for part in whole]
        return _Run(
            lease=lease,
            ends=ends,
            if_match=if_match,
            upload=upload,
            etags=etags,
            offset=len(etags) * self.part_bytes,
            known=len(etags),
        )

    def _open(self, run: "_Run", *, deadline_s: float) -> AbstractContextManager[Body]:
        item = run.lease.item
        if item.kind is not Kind.TRACK:
            return self.provider.image(item.content_id, deadline_s=deadline_s)
        etag = run.upload.source_etag if run.upload else None
        return self.provider.audio(item.content_id, offset=run.offset, etag=etag, deadline_s=deadline_s)

    def _store(self, run: "_Run", body: Body, *, fits_one_put: bool) -> Media | Upload:
        target = _Target(item=run.lease.item, body=body)
        run.is_answered = True
        self._check(run, target)
        try:
            if body.offset:
                return self._in_parts(run, target, body.chunks())
            self._restart(run)
            if fits_one_put:
                return self._put(run, target, body.length or 0, target.verified(body.chunks()))
            return self._in_parts(run, target, target.verified(body.chunks()))
        except (ObjectExists, NotFound) as error:
            # Also an upload that is gone: our own completion, its answer lost, may have ended it.
            self._forget(run)
            raise _Occupied(target.key) from error

    def _check(self, run: "_Run", target: "_Target") -> None:
        """Whether the answer goes on where it was asked to, with the file that was begun."""
        body, upload = target.body, run.upload
        if (body.length or 0) > MOST_PARTS * self.part_bytes:
            raise CorruptMedia(f"{body.length} bytes are more than {MOST_PARTS} parts")
        if body.offset not in {0, run.offset}:
            raise CorruptMedia(f"asked from byte {run.offset}, got byte {body.offset}")
        if body.offset and upload and upload.key != target.key:
            raise CorruptMedia(f"the type changed to {target.content_type}")
        if body.offset and upload and upload.length not in {None, body.length}:
            raise CorruptMedia(f"the size changed from {upload.length} to {body.length}")

    def _restart(self, run: "_Run") -> None:
        """Begin at byte 0, without what an earlier run stored."""
        self._forget(run)
        run.etags.clear()

    def _put(self, run: "_Run", target: "_Target", size_bytes: int, chunks: Iterator[bytes]) -> Media:
        """One streaming PutObject whose last bytes are held back until all is verified."""
        self.media.put(
            target.key, chunks, size_bytes=size_bytes, content_type=target.content_type, if_match=run.if_match
        )
        return target.media(target.key)

    def _in_parts(self, run: "_Run", target: "_Target", chunks: Iterator[bytes]) -> Media | Upload:
        """Store part by part until the body or the time ends."""
        cut = pieces(chunks, self.part_bytes)
        result = None
        while result is None:
            # No name here for the piece: it must be gone before the next one is gathered.
            result = self._take(run, target, next(cut))
        return result

    def _take(self, run: "_Run", target: "_Target", piece: Piece) -> Media | Upload | None:
        """Store one part; what fits one part is one put all the same. None: go on."""
        if run.upload is None and piece.is_last:
            return self._put(run, target, len(piece.body), iter([piece.body]))
        upload = run.upload or self._begin_upload(run, target)
        run.lease.check()
        if len(run.etags) == MOST_PARTS:
            raise CorruptMedia(f"no end within {MOST_PARTS} parts")
        run.etags.append(self.media.put_part(target.key, upload.upload_id, len(run.etags) + 1, piece.body))
        if piece.is_last:
            return self._complete(run, target, upload)
        return upload if self._goes_on_later(run) else None

    def _begin_upload(self, run: "_Run", target: "_Target") -> Upload:
        run.upload = Upload(
            key=target.key,
            upload_id=self.media.begin(target.key, content_type=target.content_type),
            source_etag=target.body.etag,
            length=target.body.length,
            replaces=run.if_match,
        )
        self._save(run.lease.item, run.upload)
        return run.upload

    def _goes_on_later(self, run: "_Run") -> bool:
        """Whether the time is over and a later invocation can go on: then no retry is spent.

        Only with more parts than there were: a provider that cannot resume is not asked for ever.
        """
        is_resumable = run.upload is not None and run.upload.source_etag is not None
        return is_resumable and len(run.etags) > run.known and self.clock.now() >= run.ends

    def _complete(self, run: "_Run", target: "_Target", upload: Upload) -> Media:
        """Make the upload an object; a resumed file is read back: a hash cannot outlive its process."""
        etag = self.media.complete(target.key, upload.upload_id, run.etags, if_match=upload.replaces)
        if not target.body.offset:
            return target.media(target.key)
        whole = _Target(item=run.lease.item, body=target.body)
        try:
            self._pass(run.lease, whole, target.key)
        except CorruptMedia:
            self.media.discard(target.key, etag=etag)
            raise
        return whole.media(target.key)

    def _adopt(self, lease: Lease, key: str) -> "Media | _Broken":
        """Somebody stored the object first: take it if it is whole, else say which one is broken."""
        item = lease.item
        found = self.media.head(key)
        if found is None:
            return _Broken(None)
        row = self.catalog.media([(item.kind, item.content_id)]).get(item.content_id)
        if row and row.media and (row.media.key, row.media.size_bytes) == (key, found.size_bytes):
            return row.media
        if row and row.media and row.media.key == key and found.size_bytes < row.media.size_bytes:
            return _Broken(found.etag)  # cut since it was stored: what is left may well look whole by itself
        try:
            whole = Verifier(
                Inspector(
                    found.content_type,
                    declared_length=found.size_bytes,
                    complete_by_framing=True,
                    kind=_FAMILY[item.kind],
                )
            )
            self._pass(lease, whole, key)
        except NotFound:
            return _Broken(None)
        except CorruptMedia:
            return _Broken(found.etag)
        return whole.media(key)

    def _pass(self, lease: Lease, whole: "Verifier", key: str) -> None:
        with closing(self.media.read(key)) as chunks:
            for _ in whole.verified(chunks):
                lease.check()

    def _forget(self, run: "_Run") -> None:
        """Throw the upload away, if there is one: the transfer starts at byte 0."""
        upload, run.upload = run.upload, None
        if upload:
            self._save(run.lease.item, None)
            self.media.abort(upload.key, upload.upload_id)

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

_NOT_RESUMABLE: Final = frozenset({ErrorType.CORRUPT, ErrorType.UNKNOWN})
"""How an answer to a Range fails that no later one will mend: a wrong Content-Range, 416."""


class _Broken(NamedTuple):
    """An object that is not whole, by its ETag; None = there is none any more."""

    etag: str | None


class _Occupied(Exception):
    """The key holds an object already."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(slots=True, kw_only=True)
class _Run:
    """One request to the provider, and how far its bytes have come.

    ends: when the time is over; upload, etags: the multipart upload and its parts so far, from an
    earlier run first; offset: where this run began; known: parts that there were before it.
    """

    lease: Lease
    ends: datetime
    if_match: str | None
    upload: Upload | None
    etags: list[str]
    offset: int
    known: int
    is_answered: bool = False


class _Target(Verifier):
    """One answer on its way to its key."""

    def __init__(self, *, item: Download, body: Body) -> None:
        family = _FAMILY[item.kind]
        super().__init__(
            Inspector(body.content_type, declared_length=body.length, complete_by_framing=body.is_framed, kind=family)
        )
        self.body = body
        self.content_type = media_type(body.content_type, family).content_type
        build = audio_key if item.kind is Kind.TRACK else image_key
        self.key = build(item.content_id, self.content_type)
