"""The header of a FLAC frame (RFC 9639, 9.1)."""

from dataclasses import dataclass
from typing import Final

from cratekeeper.domain.media.checksums import crc8

HEADER_MAX: Final = 16
"""Bytes of the longest header, its CRC included."""
SYNC_FIXED, SYNC_VARIABLE = b"\xff\xf8", b"\xff\xf9"
"""How frames of fixed and of variable block size start; one file has only one of them."""

_HEADER_MIN: Final = 6
_BLOCK_SIZES: Final = (0, 192, *(144 << code for code in range(2, 6)), 0, 0, *(1 << code for code in range(8, 16)))
"""Samples of a frame behind each code (table 14); 0 where they are stated, or the code is reserved."""
_RATES, _CHANNELS, _DEPTHS = range(15), range(11), frozenset((0, 1, 2, 4, 5, 6, 7))
"""The codes that are not reserved (tables 15, 16 and 17)."""
_BLOCK_BYTES: Final = {6: 1, 7: 2}
_RATE_BYTES: Final = {12: 1, 13: 2, 14: 2}
_NUMBER_MAX, _CONTINUED = 7, 0b10


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What the header of one frame says."""

    sync: bytes
    code: tuple[int, int]
    """Sample rate and bit depth, which stay the same through a file."""
    number: int
    """Of the frame in fixed block size, of its first sample in variable."""
    samples: int
    size_bytes: int
    """Of the header itself."""


def decode(data: bytes) -> FrameHeader | None:
    """The header at the start of `data` (`HEADER_MAX` bytes, or all there are); None if it is none."""
    sync = data[:2]
    if len(data) < _HEADER_MIN or sync not in (SYNC_FIXED, SYNC_VARIABLE) or not _is_sane(data[2], data[3]):
        return None
    size = _number_size(data[4])
    block, rate = data[2] >> 4, data[2] & 15
    at = 4 + size
    end = at + _BLOCK_BYTES.get(block, 0)
    behind = end + _RATE_BYTES.get(rate, 0) + 1
    number = _number(data[4:at])
    if number is None or len(data) < behind or crc8(data[:behind]):
        return None
    samples = _BLOCK_SIZES[block] or int.from_bytes(data[at:end], "big") + 1
    return FrameHeader(sync, (rate, data[3] & 15), number, samples, behind)


def _is_sane(sizes: int, layout: int) -> bool:
    """Whether no reserved block size, sample rate, channel layout, bit depth or bit is used."""
    block, rate, channels, depth = sizes >> 4, sizes & 15, layout >> 4, layout >> 1 & 7
    return bool(block) and rate in _RATES and channels in _CHANNELS and depth in _DEPTHS and not layout & 1


def _number_size(first: int) -> int:
    """How many bytes the number is coded in, like UTF-8: as many as its first byte has leading ones."""
    return 8 - (first ^ 0xFF).bit_length() or 1


def _number(code: bytes) -> int | None:
    """The number coded in all of `code`, of up to 36 bits; None if it is coded wrongly."""
    if len(code) == 1:
        return code[0] if not code[0] >> 7 else None
    if len(code) > _NUMBER_MAX or any(byte >> 6 != _CONTINUED for byte in code[1:]):
        return None
    number = code[0] & (0x7F >> len(code))
    for byte in code[1:]:
        number = number << 6 | byte & 0x3F
    return number
