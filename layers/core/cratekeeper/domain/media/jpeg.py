"""JPEG (ITU-T T.81, annex B)."""

from typing import Final

from cratekeeper.domain.media.stream import Steps, Stream, check_start
from cratekeeper.domain.media.types import CorruptMedia

_FILL, _SOI, _EOI, _SOS, _TEM = 0xFF, 0xD8, 0xD9, 0xDA, 0x01
_RESTARTS: Final = range(0xD0, 0xD8)
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""SOF0..SOF15 without DHT, JPG and DAC (table B.1)."""
_FRAME_SIZE: Final = 6
_LENGTH_SIZE: Final = 2


def parse(stream: Stream) -> Steps[None]:
    """Walk the segments and scans from SOI to EOI.

    Raises CorruptMedia if there is no frame header with a size before a scan, or no EOI.
    """
    check_start((yield from stream.read(2)), bytes((_FILL, _SOI)), "JPEG SOI")
    has_frame = has_scan = False
    while (marker := (yield from _marker(stream, in_scan=has_scan))) != _EOI:
        size = yield from _segment_size(stream, marker)
        if marker in _FRAMES:
            _check_frame((yield from stream.peek(min(size, _FRAME_SIZE))))
            has_frame = True
        elif marker == _SOS:
            has_scan = has_frame
        yield from stream.skip(size)
    if not has_scan:
        raise CorruptMedia("JPEG without a picture")


def _marker(stream: Stream, *, in_scan: bool) -> Steps[int]:
    """The next marker that has a meaning here; behind a scan that is beyond the coded picture.

    There 0xFF 0x00 is a coded byte, and restart markers part the picture (B.1.1.2, B.1.1.5).
    """
    while True:
        if in_scan:
            yield from stream.seek(bytes((_FILL,)))
        start = (yield from stream.take(1))[0]
        if start != _FILL:
            raise CorruptMedia(f"no JPEG marker at byte {stream.offset - 1}")
        code = _FILL
        while code == _FILL:  # Any number of fill bytes may stand before the code.
            code = (yield from stream.take(1))[0]
        if not in_scan or not (code == 0 or code in _RESTARTS):
            return code


def _segment_size(stream: Stream, marker: int) -> Steps[int]:
    """Read how long the segment of `marker` still is. Raises CorruptMedia if it can have none."""
    if marker in (0, _TEM, _SOI) or marker in _RESTARTS:
        raise CorruptMedia(f"JPEG marker {marker:#04x} out of place")
    size = int.from_bytes((yield from stream.take(_LENGTH_SIZE)), "big") - _LENGTH_SIZE
    if size < 0:
        raise CorruptMedia(f"JPEG segment {marker:#04x} of no size")
    return size


def _check_frame(body: bytes) -> None:
    """Of SOFn (B.2.2): precision, height, width and number of components are not zero."""
    parts = (body[:1], body[1:3], body[3:5], body[5:6])
    if not all(any(part) for part in parts):
        raise CorruptMedia("JPEG frame without a size")
