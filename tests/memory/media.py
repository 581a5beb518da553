"""The media bucket in memory."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count, takewhile
from urllib.parse import urlencode
from zlib import crc32

from cratekeeper.domain.errors import NotFound, ObjectExists, Unavailable
from cratekeeper.ports import Clock, ObjectInfo, Part
from tests.memory.calls import Calls, fault_point

MIB = 1024 * 1024
MAX_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object and what S3 says of it."""

    body: bytes
    info: ObjectInfo


@dataclass(slots=True)
class OpenUpload:
    """A multipart upload that is neither complete nor aborted."""

    key: str
    content_type: str
    begun_at: datetime
    parts: dict[int, bytes] = field(default_factory=dict)


def etag_of(body: bytes, parts: int = 0) -> str:
    """An ETag: opaque, quoted as S3 does, another for each content."""
    digest = f"{len(body):x}-{crc32(body):08x}"
    return f'"{digest}-{parts}"' if parts else f'"{digest}"'


@dataclass(slots=True)
class MemoryMedia:
    """Objects with conditional writes, and multipart uploads. `replaced` has what was overwritten, by key."""

    clock: Clock
    calls: Calls = field(default_factory=Calls)
    objects: dict[str, StoredObject] = field(default_factory=dict)
    open_uploads: dict[str, OpenUpload] = field(default_factory=dict)
    replaced: list[tuple[str, StoredObject]] = field(default_factory=list)
    begun: int = 0
    port: str = "media"

    @fault_point
    def head(self, key: str) -> ObjectInfo | None:
        found = self.objects.get(key)
        return found.info if found else None

    @fault_point
    def read(self, key: str) -> Generator[bytes, None, None]:
        if key not in self.objects:
            raise NotFound(key)
        body = self.objects[key].body
        return (body[start : start + MIB] for start in range(0, len(body), MIB))

    @fault_point
    def put(
        self,
        key: str,
        chunks: Iterable[bytes],
        *,
        size_bytes: int,
        content_type: str,
        if_match: str | None = None,
    ) -> str:
        body = b"".join(chunks)
        if len(body) != size_bytes:
            raise Unavailable(f"{key}: {len(body)} of {size_bytes} bytes came")
        return self._store(key, body, etag_of(body), content_type=content_type, if_match=if_match)

    @fault_point
    def begin(self, key: str, *, content_type: str) -> str:
        self.begun += 1
        upload_id = f"upload-{self.begun}"
        self.open_uploads[upload_id] = OpenUpload(key, content_type, self.clock.now())
        return upload_id

    @fault_point
    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        if not 1 <= number <= MAX_PARTS:
            raise ValueError(f"part {number}")
        self._upload(key, upload_id).parts[number] = body
        return etag_of(body)

    @fault_point
    def complete(self, key: str, upload_id: str, parts: Sequence[str], *, if_match: str | None = None) -> str:
        upload = self._upload(key, upload_id)
        bodies = [upload.parts.get(number, b"") for number in range(1, len(parts) + 1)]
        if [etag_of(body) for body in bodies] != list(parts):
            raise ValueError("a part's ETag is not the stored part's")
        body = b"".join(bodies)
        etag = etag_of(body, len(parts))
        etag = self._store(key, body, etag, content_type=upload.content_type, if_match=if_match)
        del self.open_uploads[upload_id]
        return etag

    @fault_point
    def abort(self, key: str, upload_id: str) -> None:
        upload = self.open_uploads.get(upload_id)
        if upload and upload.key == key:
            del self.open_uploads[upload_id]

    @fault_point
    def parts(self, key: str, upload_id: str) -> list[Part]:
        stored = self._upload(key, upload_id).parts
        whole = takewhile(stored.__contains__, count(1))
        return [Part(etag_of(stored[number]), len(stored[number])) for number in whole]

    @fault_point
    def discard(self, key: str, *, etag: str) -> None:
        present = self.objects.get(key)
        if present and present.info.etag == etag:
            del self.objects[key]

    @fault_point
    def link(self, key: str, *, content_type: str, disposition: str, seconds: int) -> str:
        told = urlencode({"type": content_type, "disposition": disposition, "seconds": seconds})
        return f"https://media.test/{key}?{told}"

    @property
    def overwritten(self) -> list[str]:
        """The keys of what was overwritten."""
        return [key for key, _ in self.replaced]

    def place(self, key: str, body: bytes, content_type: str) -> None:
        """Have an object there, whatever was before."""
        self.objects[key] = StoredObject(body, ObjectInfo(len(body), etag_of(body), content_type))

    def _upload(self, key: str, upload_id: str) -> OpenUpload:
        upload = self.open_uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise NotFound(upload_id)
        return upload

    def _store(self, key: str, body: bytes, etag: str, *, content_type: str, if_match: str | None) -> str:
        present = self.objects.get(key)
        if if_match is None and present:
            raise ObjectExists(key)
        if if_match is not None and (present is None or present.info.etag != if_match):
            raise ObjectExists(key)
        if present:
            self.replaced.append((key, present))
        self.objects[key] = StoredObject(body, ObjectInfo(len(body), etag, content_type))
        return etag
