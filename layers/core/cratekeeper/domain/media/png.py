"""PNG (W3C Portable Network Graphics, third edition; ISO/IEC 15948)."""

from types import MappingProxyType
from typing import Final
from zlib import crc32

from cratekeeper.domain.media.stream import Steps, Stream, check_start
from cratekeeper.domain.media.types import CorruptMedia

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_SIZE_MAX: Final = 2**31 - 1
_HEADER_SIZE: Final = 13
_DEPTHS: Final = MappingProxyType({0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)})
"""Bit depths allowed for each colour type (section 11.2.1)."""


def parse(stream: Stream) -> Steps[None]:
    """Walk the chunks from IHDR to IEND.

    Raises CorruptMedia if IHDR does not decode, or picture data or IEND is missing.
    """
    check_start((yield from stream.read(8)), _SIGNATURE, "PNG signature")
    name, size = yield from _chunk(stream)
    if (name, size) != (b"IHDR", _HEADER_SIZE):
        raise CorruptMedia("PNG without IHDR")
    _check_header((yield from stream.take(size + 4)))
    has_picture = False
    while name != b"IEND":
        name, size = yield from _chunk(stream)
        has_picture |= name == b"IDAT"
        yield from stream.skip(size + 4)
    if not has_picture:
        raise CorruptMedia("PNG without a picture")


def _chunk(stream: Stream) -> Steps[tuple[bytes, int]]:
    """Read a chunk's type and the size of its data (section 5.3)."""
    header = yield from stream.take(8)
    name, size = header[4:], int.from_bytes(header[:4], "big")
    if not name.isalpha() or size > _SIZE_MAX:
        raise CorruptMedia(f"no PNG chunk but {header!r}")
    return name, size


def _check_header(body: bytes) -> None:
    """Of IHDR: its CRC, and that every field is one that the standard allows."""
    width, height = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
    depth, colour, compression, filtering, interlace = body[8:_HEADER_SIZE]
    is_sound = (
        crc32(b"IHDR" + body[:_HEADER_SIZE]) == int.from_bytes(body[_HEADER_SIZE:], "big")
        and 1 <= min(width, height) <= max(width, height) <= _SIZE_MAX
        and depth in _DEPTHS.get(colour, ())
        and (compression, filtering) == (0, 0)
        and interlace <= 1
    )
    if not is_sound:
        raise CorruptMedia(f"PNG with an impossible IHDR of {width} x {height}")
