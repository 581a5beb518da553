"""MP4 and M4A: the ISO base media file format (ISO/IEC 14496-12).

Boxes state their size, so a cut within a box shows. One between two boxes shows because `moov`
says where the samples lie or, in a file of fragments, because `mfra` must be the last box.
"""

import re
from dataclasses import dataclass, field
from struct import unpack
from typing import Final

from cratekeeper.domain.media.stream import Steps, Stream, check_start
from cratekeeper.domain.media.types import CorruptMedia

_PARENTS: Final = frozenset((b"trak", b"mdia", b"minf", b"stbl"))
"""Boxes within `moov` whose children are looked at."""
_OFFSETS: Final = {b"stco": "I", b"co64": "Q"}
"""How a chunk offset is written in either table (8.7.5)."""
_NAME: Final = re.compile(rb"[ -~\xa9]{4}")
"""A kind or brand: four signs, printable or the copyright sign of the QuickTime era."""
_ENTRIES_AT_ONCE: Final = 512
_BRAND_BOX_MIN: Final = 16
_NO_END: Final = 2**65
"""Beyond every offset that a file can state."""


@dataclass(slots=True)
class _Seen:
    """What a file has shown so far."""

    kinds: set[bytes] = field(default_factory=set)
    """Which of the boxes that matter."""
    is_sound: bool = False
    last_chunk: int | None = None
    """Highest offset of a chunk of samples."""
    data_end: int = 0
    """Offset behind the last whole `mdat`."""


def parse(stream: Stream) -> Steps[None]:
    """Walk the top-level boxes, which must cover the body exactly, and the tables of `moov`.

    Raises CorruptMedia unless `ftyp` is first and there is a sound track with all its samples. An
    `mdat` without a size is accepted only at the end of a framed body.
    """
    yield from _check_brand(stream)
    seen, kind = _Seen(), b""
    while seen.data_end < _NO_END and (yield from stream.peek(1)):
        kind, end = yield from _box(stream)
        seen.kinds |= {kind} & {b"moov", b"mdat", b"moof"}
        if end == _NO_END and (kind != b"mdat" or not stream.is_framed):
            raise CorruptMedia(f"MP4 box {kind!r} without a size: its end is unknown")
        if kind == b"moov":
            yield from _movie(stream, end, seen)
        if end < _NO_END:
            yield from stream.skip(end - stream.offset)
        if kind == b"mdat":
            seen.data_end = end
    _check_samples(seen)
    if b"moof" in seen.kinds and kind != b"mfra" and not stream.is_framed:
        raise CorruptMedia("MP4 of fragments without length, chunks or mfra: its end is unknown")


def _check_brand(stream: Stream) -> Steps[None]:
    """Read `ftyp` (4.3), which is first and names a brand of four printable signs."""
    header = yield from stream.read(12)
    check_start(header, b"ftyp", "MP4 ftyp", at=4)
    size = int.from_bytes(header[:4], "big")
    if size < _BRAND_BOX_MIN or not _NAME.fullmatch(header[8:]):
        raise CorruptMedia("MP4 with an impossible brand")
    yield from stream.skip(size - len(header))


def _box(stream: Stream) -> Steps[tuple[bytes, int]]:
    """Read a box header (4.2): its kind, and the offset behind the box (`_NO_END` if left open)."""
    start = stream.offset
    header = yield from stream.take(8)
    kind, size = header[4:], int.from_bytes(header[:4], "big")
    if size == 1:
        size = int.from_bytes((yield from stream.take(8)), "big")
    elif size == 0:
        size = _NO_END
    if not _NAME.fullmatch(kind) or start + size < stream.offset:
        raise CorruptMedia(f"no MP4 box but {header!r}")
    return kind, min(start + size, _NO_END)


def _movie(stream: Stream, end: int, seen: _Seen) -> Steps[None]:
    """Walk the boxes in `moov` one after the other: parents are entered, others passed."""
    while stream.offset < end:
        kind, its_end = yield from _box(stream)
        if its_end > end:
            raise CorruptMedia(f"MP4 box {kind!r} that is larger than moov")
        if kind in _PARENTS:
            continue
        if kind == b"hdlr":
            seen.is_sound |= (yield from stream.peek(12))[8:] == b"soun"
        elif kind in _OFFSETS:
            yield from _chunk_offsets(stream, its_end, _OFFSETS[kind], seen)
        yield from stream.skip(its_end - stream.offset)


def _chunk_offsets(stream: Stream, end: int, code: str, seen: _Seen) -> Steps[None]:
    """Keep the highest offset of one table."""
    left = int.from_bytes((yield from stream.take(8))[4:], "big")
    width = 4 if code == "I" else 8
    if stream.offset + left * width > end:
        raise CorruptMedia("MP4 with more chunk offsets than their box holds")
    while left:
        count = min(left, _ENTRIES_AT_ONCE)
        offsets: tuple[int, ...] = unpack(f">{count}{code}", (yield from stream.take(count * width)))
        seen.last_chunk = max(*offsets, seen.last_chunk or 0)
        left -= count


def _check_samples(seen: _Seen) -> None:
    """Raise CorruptMedia unless a sound track is described and its last chunk is in the file."""
    if not {b"moov", b"mdat"} <= seen.kinds or not seen.is_sound:
        raise CorruptMedia("MP4 without a sound track")
    if seen.last_chunk is None and b"moof" not in seen.kinds:
        raise CorruptMedia("MP4 without samples")
    # Chunks do not span boxes: if the last one starts in a whole mdat, all are there.
    if (seen.last_chunk or 0) >= seen.data_end:
        raise CorruptMedia("MP4 cut short before its last samples")
