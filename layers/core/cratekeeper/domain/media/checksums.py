"""The cyclic redundancy checks of FLAC and Ogg, which the standard library has not.

All three start at 0, take the highest bit first and invert nothing. They cost about 50 ns a byte,
so they are for headers and single frames, never for a whole file.
"""

from collections.abc import Iterable
from typing import Final


def _table(width: int, polynomial: int) -> tuple[int, ...]:
    top, mask = 1 << width - 1, (1 << width) - 1
    rows = []
    for byte in range(256):
        row = byte << width - 8
        for _ in range(8):
            row = (row << 1 ^ (polynomial if row & top else 0)) & mask
        rows.append(row)
    return tuple(rows)


_CRC8: Final = _table(8, 0x07)
_CRC16: Final = _table(16, 0x8005)
_CRC32: Final = _table(32, 0x04C11DB7)


def crc8(data: Iterable[int]) -> int:
    """Of a FLAC frame header; 0 if `data` ends with its own CRC (RFC 9639, 9.1.8)."""
    crc = 0
    for byte in data:
        crc = _CRC8[crc ^ byte]
    return crc


def crc16(data: Iterable[int], crc: int = 0) -> int:
    """Of a FLAC frame, going on from `crc`; 0 if `data` ends with its own CRC (RFC 9639, 9.3)."""
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ byte]
    return crc


def crc32_ogg(data: Iterable[int]) -> int:
    """Of an Ogg page whose own CRC field is zeroed (RFC 3533, 6, field 7)."""
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFFFFFF) ^ _CRC32[crc >> 24 ^ byte]
    return crc
