"""Ogg (RFC 3533) with Vorbis (Vorbis I, 4.2.2), Opus (RFC 7845, 5.1) or FLAC (RFC 9639, 10.1).

Pages state their size, so all of them are walked. A logical stream ends with a page that says so.
"""

from dataclasses import dataclass
from typing import Final

from cratekeeper.domain.media.checksums import crc32_ogg
from cratekeeper.domain.media.stream import Steps, Stream
from cratekeeper.domain.media.types import CorruptMedia

_CAPTURE: Final = b"OggS"
_HEADER_SIZE: Final = 27
_FIRST, _LAST = 0x02, 0x04
_FIRST_PAGE_MAX: Final = 4096
"""Bytes of a first page's body: it holds one identification header, of 19 to 112 bytes."""
_OPUS_MIN: Final = 19
_STREAMS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class _Page:
    header: bytes
    """With the segment table."""
    body_bytes: int

    @property
    def is_first(self) -> bool:
        return bool(self.header[5] & _FIRST)

    @property
    def is_last(self) -> bool:
        return bool(self.header[5] & _LAST)

    @property
    def serial(self) -> bytes:
        """Of the logical stream that the page belongs to."""
        return self.header[14:18]


def parse(stream: Stream) -> Steps[None]:
    """Walk the pages of one or several (chained) streams, one of them known audio.

    Raises CorruptMedia if a page is cut short or belongs to no stream, or a stream never ends.
    """
    is_sound, pages, running = False, 0, set[bytes]()
    while (page := (yield from _page(stream, may_stop=bool(pages) and not running))) is not None:
        if page.is_first:
            running.add(page.serial)
            is_sound |= yield from _is_sound(stream, page)
        elif page.serial in running and is_sound:
            yield from stream.skip(page.body_bytes)
            pages += 1
        else:
            raise CorruptMedia("Ogg page of no Vorbis, Opus or FLAC stream")
        if page.is_last:
            running.discard(page.serial)
        if len(running) > _STREAMS_MAX:
            raise CorruptMedia(f"more than {_STREAMS_MAX} Ogg streams at once")
    if not pages or running:
        raise CorruptMedia("Ogg without its last page")


def _page(stream: Stream, *, may_stop: bool) -> Steps[_Page | None]:
    """Read a page header (RFC 3533, 6); None at the end, or if it `may_stop` and none is there."""
    header = yield from stream.peek(_HEADER_SIZE)
    if not header or (may_stop and header[:4] != _CAPTURE):
        return None
    if header[:5] != _CAPTURE + b"\0":
        raise CorruptMedia(f"no Ogg page but {header[:16]!r}")
    header = yield from stream.take(_HEADER_SIZE)
    segments = yield from stream.take(header[26])
    return _Page(header + segments, sum(segments))


def _is_sound(stream: Stream, page: _Page) -> Steps[bool]:
    """Check the CRC of a stream's first page and whether it identifies known audio."""
    if page.body_bytes > _FIRST_PAGE_MAX:
        raise CorruptMedia("Ogg stream without identification")
    body = yield from stream.take(page.body_bytes)
    stated = int.from_bytes(page.header[22:26], "little")
    if crc32_ogg(page.header[:22] + bytes(4) + page.header[26:] + body) != stated:
        raise CorruptMedia("first Ogg page with a wrong checksum")
    return _is_vorbis(body) or _is_opus(body) or _is_flac(body)


def _is_vorbis(body: bytes) -> bool:
    """Version 0, with channels and a sample rate."""
    return body.startswith(b"\x01vorbis\0\0\0\0") and body[11:12] > b"\0" and any(body[12:16])


def _is_opus(body: bytes) -> bool:
    """Major version 0, with channels."""
    return body.startswith(b"OpusHead") and len(body) >= _OPUS_MIN and not body[8] >> 4 and body[9] > 0


def _is_flac(body: bytes) -> bool:
    """Mapping version 1, with the signature of FLAC itself."""
    return body.startswith(b"\x7fFLAC\x01") and body[9:13] == b"fLaC"
