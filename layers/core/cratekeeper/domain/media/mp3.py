"""MP3: frames of MPEG audio Layer III (ISO/IEC 11172-3, 2.4.1.3; ISO/IEC 13818-3 for the low rates).

MP3 has no end of its own. The Xing or Info header that encoders put into the first frame counts
the frames (and bytes) that follow; only with it is a body complete that nothing else delimits.
"""

from dataclasses import dataclass
from typing import Final

from cratekeeper.domain.media.stream import Steps, Stream
from cratekeeper.domain.media.tags import skip_leading, skip_trailing
from cratekeeper.domain.media.types import CorruptMedia

_HEADER_SIZE: Final = 4
_SYNC: Final = 0x7FF
_MPEG1, _NO_VERSION = 3, 1
_LAYER_3: Final = 1
_NO_RATE: Final = 3
_MONO: Final = 3
_FRAMES, _BYTES = 0x1, 0x2
_XING_SIZE: Final = 16

_RATES_HZ: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_KBIT_1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBIT_2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


@dataclass(frozen=True, slots=True)
class _Frame:
    version: int
    rate_hz: int
    size_bytes: int
    xing_at: int
    """Where in the frame a Xing header stands: after the header and the side information."""


@dataclass(frozen=True, slots=True)
class _Xing:
    frames: int | None = None
    """Frames that follow the one with the Xing header."""
    size_bytes: int | None = None
    """Bytes of all frames, with or without that one: encoders differ."""


def parse(stream: Stream) -> Steps[None]:
    """Read an MP3 file: two frames of a framed body, else every frame that Xing counts.

    Raises CorruptMedia if a frame does not decode, or the body ends before what Xing states.
    """
    yield from skip_leading(stream)
    start = stream.offset
    first = _frame((yield from stream.peek(_HEADER_SIZE)))
    xing = _xing((yield from stream.peek(first.xing_at + _XING_SIZE))[first.xing_at :])
    yield from stream.skip(first.size_bytes)
    if stream.is_framed:
        yield from _skip_frame(stream, first)
        yield from stream.skip(max(0, (xing.size_bytes or 0) - (stream.offset - start)))
        return
    if not xing.frames:
        raise CorruptMedia("MP3 without length, chunks or a count of frames: its end is unknown")
    for _ in range(xing.frames):
        yield from _skip_frame(stream, first)
    yield from skip_trailing(stream)


def _skip_frame(stream: Stream, first: _Frame) -> Steps[None]:
    frame = _frame((yield from stream.peek(_HEADER_SIZE)))
    if (frame.version, frame.rate_hz) != (first.version, first.rate_hz):
        raise CorruptMedia("MP3 frames of different sample rates")
    yield from stream.skip(frame.size_bytes)


def _frame(header: bytes) -> _Frame:
    """Decode the four bytes of a frame header. Free format (no stated bitrate) is not supported."""
    word = int.from_bytes(header, "big") if len(header) == _HEADER_SIZE else 0
    version, layer, kbit, rate = word >> 19 & 3, word >> 17 & 3, word >> 12 & 15, word >> 10 & 3
    if word >> 21 != _SYNC or version == _NO_VERSION or layer != _LAYER_3:
        raise CorruptMedia(f"no MP3 frame but {header!r}")
    if kbit in (0, 15) or rate == _NO_RATE:
        raise CorruptMedia(f"MP3 frame with a forbidden bitrate or sample rate: {header!r}")
    rate_hz, mono = _RATES_HZ[version][rate], word >> 6 & 3 == _MONO
    if version == _MPEG1:
        size, side = 144_000 * _KBIT_1[kbit] // rate_hz, 17 if mono else 32
    else:
        size, side = 72_000 * _KBIT_2[kbit] // rate_hz, 9 if mono else 17
    return _Frame(version, rate_hz, size + (word >> 9 & 1), _HEADER_SIZE + side)


def _xing(body: bytes) -> _Xing:
    """Decode a Xing or Info header: name, flags, then the counts that the flags announce."""
    if len(body) < _XING_SIZE or body[:4] not in (b"Xing", b"Info"):
        return _Xing()
    flags = int.from_bytes(body[4:8], "big")
    first, second = int.from_bytes(body[8:12], "big"), int.from_bytes(body[12:16], "big")
    if not flags & _FRAMES:
        return _Xing(size_bytes=first if flags & _BYTES else None)
    return _Xing(frames=first, size_bytes=second if flags & _BYTES else None)
