"""AAC in ADTS frames (ISO/IEC 13818-7, 6.2; ISO/IEC 14496-3, 1.A.2.2).

A row of ADTS frames has no end of its own and counts nothing: cut between two frames it looks
complete. A body that neither a length nor chunks delimit is therefore refused.
"""

from typing import Final

from cratekeeper.domain.media.stream import Steps, Stream
from cratekeeper.domain.media.tags import skip_leading, skip_trailing
from cratekeeper.domain.media.types import CorruptMedia

_SYNC: Final = 0xFFF
_RATES: Final = 13
_HEADER_SIZE: Final = 7
_FRAMES_MIN: Final = 2


def parse(stream: Stream) -> Steps[None]:
    """Read every frame to the end, tags before and after allowed; all of one sample rate.

    Raises CorruptMedia if a frame does not decode, fewer than two are there, one is cut short, or
    the body is not framed.
    """
    if not stream.is_framed:
        raise CorruptMedia("AAC without length or chunks: its end is unknown")
    yield from skip_leading(stream)
    frames, rate = 0, -1
    while (header := (yield from stream.peek(_HEADER_SIZE))).startswith(b"\xff"):
        size, its_rate = _frame(header)
        if frames and rate != its_rate:
            raise CorruptMedia("ADTS frames of different sample rates")
        yield from stream.skip(size)
        frames, rate = frames + 1, its_rate
    yield from skip_trailing(stream)
    if rest := (yield from stream.peek(_HEADER_SIZE)):
        raise CorruptMedia(f"no ADTS frame but {rest!r}")
    if frames < _FRAMES_MIN:
        raise CorruptMedia(f"AAC of {frames} frames")


def _frame(header: bytes) -> tuple[int, int]:
    """The size in bytes, header included, and the index of the sample rate of one frame."""
    if len(header) < _HEADER_SIZE:
        raise CorruptMedia("cut short in an ADTS header")
    word = int.from_bytes(header, "big")
    if word >> 44 != _SYNC or word >> 41 & 3:
        raise CorruptMedia(f"no ADTS frame but {header!r}")
    unprotected, rate, size = word >> 40 & 1, word >> 34 & 15, word >> 13 & 0x1FFF
    if rate >= _RATES or size <= _HEADER_SIZE + (0 if unprotected else 2):
        raise CorruptMedia("ADTS frame with a forbidden sample rate or size")
    return size, rate
