"""RIFF files (Multimedia Programming Interface 1.0): WAV and WebP (RFC 9649).

The header states the size of the file and each chunk its own; all that is stated must be there.
"""

from typing import Final

from cratekeeper.domain.media.stream import Steps, Stream, check_start
from cratekeeper.domain.media.types import CorruptMedia

_OPEN_SIZES: Final = (0, 0xFFFF_FFFF)
"""What a writer that cannot go back leaves as the size of a WAV file and of its data."""
_NO_END: Final = 2**64

_CHUNK_HEADER_SIZE: Final = 8

_WAVE_FORMATS: Final = (0x0001, 0x0002, 0x0003, 0x0006, 0x0007, 0x0011, 0xFFFE)
"""PCM, MS ADPCM, float, A-law, mu-law, IMA ADPCM, extensible (RFC 2361)."""
_FORMAT_SIZE: Final = 16

_VP8, _VP8L, _VP8X, _FRAME = b"VP8 ", b"VP8L", b"VP8X", b"ANMF"
_PICTURES: Final = (_VP8, _VP8L, _FRAME)
_LOSSLESS_MIN, _PICTURE_MIN = 5, 10


def parse_wav(stream: Stream) -> Steps[None]:
    """Read the chunks of a WAV file up to `data`, then go to the stated end.

    Raises CorruptMedia if `fmt ` or samples are missing or do not decode, or a stated size is not
    reached. Sizes left open are accepted only of a framed body.
    """
    end = yield from _open(stream, b"WAVE")
    if end - 8 in _OPEN_SIZES:
        if not stream.is_framed:
            raise CorruptMedia("WAV without length, chunks or a size: its end is unknown")
        end = _NO_END
    has_format = False
    while (chunk := (yield from _chunk(stream, end)))[0] != b"data":
        name, size = chunk
        if name == b"fmt " and size >= _FORMAT_SIZE:
            _check_format((yield from stream.peek(_FORMAT_SIZE)))
            has_format = True
        yield from _skip(stream, size, end)
    if not has_format:
        raise CorruptMedia("WAV without a format")
    if end == _NO_END:
        yield from stream.skip(1 if chunk[1] in _OPEN_SIZES else chunk[1])
    elif chunk[1]:
        yield from stream.skip(end - stream.offset)
    else:
        raise CorruptMedia("WAV without samples")


def parse_webp(stream: Stream) -> Steps[None]:
    """Read a WebP file: its first picture must decode as VP8 or VP8L, or be an animation's.

    Raises CorruptMedia if there is none, or the stated size is not reached.
    """
    end = yield from _open(stream, b"WEBP")
    name, size = yield from _chunk(stream, end)
    if name not in (*_PICTURES[:2], _VP8X):
        raise CorruptMedia(f"WebP that starts with {name!r}")
    while name not in _PICTURES:
        yield from _skip(stream, size, end)
        name, size = yield from _chunk(stream, end)
    _check_picture(name, (yield from stream.peek(min(size, _PICTURE_MIN))))
    yield from stream.skip(end - stream.offset)


def _open(stream: Stream, form: bytes) -> Steps[int]:
    """Read the file header; the offset at which the file says that it ends."""
    header = yield from stream.read(12)
    check_start(header, b"RIFF", "RIFF header")
    check_start(header, form, f"RIFF {form.decode()} header", at=8)
    return 8 + int.from_bytes(header[4:8], "little")


def _chunk(stream: Stream, end: int) -> Steps[tuple[bytes, int]]:
    """Read a chunk's name and size. Raises CorruptMedia if it does not fit in before `end`."""
    if end - stream.offset < _CHUNK_HEADER_SIZE:
        raise CorruptMedia("RIFF file that ends before its content")
    header = yield from stream.take(_CHUNK_HEADER_SIZE)
    size = int.from_bytes(header[4:], "little")
    if stream.offset + size > end:
        raise CorruptMedia("RIFF chunk that is larger than its file")
    return header[:4], size


def _skip(stream: Stream, size: int, end: int) -> Steps[None]:
    """Pass a chunk and the byte that pads it to an even size, which some writers omit at the end."""
    yield from stream.skip(min(size + size % 2, end - stream.offset))


def _check_format(body: bytes) -> None:
    """Of `fmt `: a known format, channels, sample rate and block size."""
    code, channels = int.from_bytes(body[:2], "little"), int.from_bytes(body[2:4], "little")
    rate_hz, block = int.from_bytes(body[4:8], "little"), int.from_bytes(body[12:14], "little")
    if code not in _WAVE_FORMATS or not (channels and rate_hz and block):
        raise CorruptMedia(f"WAV in format {code:#06x} with {channels} channels at {rate_hz} Hz")


def _check_picture(name: bytes, body: bytes) -> None:
    """Of a key frame (RFC 6386, 9.1) its sizes, of a lossless one (RFC 9649, 3.4) signature and version."""
    if name == _VP8:
        sizes = [int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8)]
        is_sound = body[:1] != b"" and not body[0] & 1 and body[3:6] == b"\x9d\x01\x2a" and all(sizes)
    elif name == _VP8L:
        is_sound = body[:1] == b"\x2f" and len(body) >= _LOSSLESS_MIN and not body[4] >> 5
    else:
        is_sound = len(body) == _PICTURE_MIN
    if not is_sound:
        raise CorruptMedia(f"WebP picture that does not decode: {body!r}")
