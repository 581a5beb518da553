"""FLAC (RFC 9639).

Frames carry no length. They are walked by looking for the sync code and accepting a header only
if its CRC-8 holds, it numbers the very next frame and it repeats rate, depth and block size of the
first: by chance that is so at one place in 2^44. The last frame is the one that reaches the total
of samples; its CRC-16 shows that it is whole.
"""

from dataclasses import dataclass
from typing import Final

from cratekeeper.domain.media.checksums import crc16
from cratekeeper.domain.media.flac_frame import HEADER_MAX, SYNC_FIXED, FrameHeader, decode
from cratekeeper.domain.media.stream import Steps, Stream, check_start
from cratekeeper.domain.media.tags import ID3V1_SIZE, skip_leading
from cratekeeper.domain.media.types import CorruptMedia

_STREAMINFO, _FORBIDDEN = 0, 127
_STREAMINFO_SIZE: Final = 34
_BLOCK_MIN: Final = 16
_BITS_MIN: Final = 4
_SLICE: Final = 4096


@dataclass(frozen=True, slots=True)
class _Info:
    """What STREAMINFO says (RFC 9639, 8.2)."""

    total_samples: int
    """0 if it is left open."""
    frame_max_bytes: int
    """Twice the size of a frame without any compression, which no encoder comes near."""


def parse(stream: Stream) -> Steps[None]:
    """Read the whole file; nothing but an ID3v1 tag, or zeros, may follow the last frame.

    Raises CorruptMedia if STREAMINFO or the first frame does not decode, or the frames do not
    reach the total of samples. A total left open is accepted only of a framed body.
    """
    yield from skip_leading(stream)
    check_start((yield from stream.read(4)), b"fLaC", "FLAC signature")
    info = yield from _metadata(stream)
    if not (info.total_samples or stream.is_framed):
        raise CorruptMedia("FLAC without length, chunks or a total of samples: its end is unknown")
    yield from _frames(stream, info)


def _metadata(stream: Stream) -> Steps[_Info]:
    """Pass all metadata blocks (RFC 9639, 8), of which STREAMINFO is the first."""
    is_last, kind, size = yield from _block(stream)
    if kind != _STREAMINFO or size != _STREAMINFO_SIZE:
        raise CorruptMedia("FLAC without STREAMINFO")
    info = _stream_info((yield from stream.take(size)))
    while not is_last:
        is_last, kind, size = yield from _block(stream)
        if kind in (_STREAMINFO, _FORBIDDEN):
            raise CorruptMedia("FLAC with a forbidden metadata block")
        yield from stream.skip(size)
    return info


def _block(stream: Stream) -> Steps[tuple[bool, int, int]]:
    """Read a block's header: whether it is the last, its type and size."""
    header = yield from stream.take(4)
    return bool(header[0] >> 7), header[0] & 0x7F, int.from_bytes(header[1:], "big")


def _stream_info(body: bytes) -> _Info:
    block_min, block_max = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big")
    packed = int.from_bytes(body[10:18], "big")
    rate_hz, channels, bits = packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1
    if not _BLOCK_MIN <= block_min <= block_max or not rate_hz or bits < _BITS_MIN:
        raise CorruptMedia("FLAC with an impossible STREAMINFO")
    return _Info(packed & 0xF_FFFF_FFFF, 2 * block_max * channels * bits // 8 + 1024)


def _frames(stream: Stream, info: _Info) -> Steps[None]:
    """Walk the frames from number 0 on, without a gap, to the last (or the end if none is known)."""
    start = yield from stream.peek(HEADER_MAX)
    first = header = decode(start)
    if first is None or first.number:
        raise CorruptMedia(f"no first FLAC frame but {start!r}")
    frames = samples = 0
    while header is not None:
        frames, samples = frames + 1, samples + header.samples
        if samples == info.total_samples:
            yield from _last_frame(stream, info)
            return
        bound = stream.offset + info.frame_max_bytes
        yield from stream.skip(header.size_bytes)
        while (header := (yield from _candidate(stream, first, bound))) is not None:
            if _is_next(header, first, frames=frames, samples=samples, total=info.total_samples):
                break
            yield from stream.skip(1)
    if info.total_samples:
        raise CorruptMedia(f"FLAC ends at sample {samples} of {info.total_samples}")


def _candidate(stream: Stream, first: FrameHeader, bound: int) -> Steps[FrameHeader | None]:
    """Go to the next place that looks like a header; None if the body ends without one."""
    while (yield from stream.seek(first.sync)):
        if stream.offset > bound:
            raise CorruptMedia(f"no FLAC frame before byte {bound}")
        header = decode((yield from stream.peek(HEADER_MAX)))
        if header is not None:
            return header
        yield from stream.skip(1)
    return None


def _is_next(header: FrameHeader, first: FrameHeader, *, frames: int, samples: int, total: int) -> bool:
    """Whether `header` is the one that follows `frames` frames of `samples` samples.

    In fixed block size every frame is as long as the first, but the last may be shorter.
    """
    if header.code != first.code:
        return False
    if header.sync != SYNC_FIXED:
        return header.number == samples
    return header.number == frames and header.samples in (first.samples, total - samples)


def _last_frame(stream: Stream, info: _Info) -> Steps[None]:
    """Check that the frame at this place is whole and the last thing but for an ID3v1 tag."""
    bound, crc, tail = stream.offset + info.frame_max_bytes, 0, b""
    while piece := (yield from stream.read(_SLICE)):
        if stream.offset > bound:
            raise CorruptMedia("bytes after the last FLAC frame")
        # Hold back as much as could be a tag.
        tail += piece
        crc, tail = crc16(tail[:-ID3V1_SIZE], crc), tail[-ID3V1_SIZE:]
    if crc == 0 and tail.startswith(b"TAG"):
        return
    if crc16(tail, crc):
        raise CorruptMedia("FLAC cut short in its last frame, or bytes after it")
