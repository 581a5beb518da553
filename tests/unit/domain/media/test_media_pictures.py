"""PNG and JPEG: chunks and segments built here, and real files."""

from zlib import crc32

import pytest

from tests.unit.domain.media.samples import sample
from tests.unit.domain.media.verdict import put, refusal

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SOI, EOI = b"\xff\xd8", b"\xff\xd9"
FRAME = b"\x08\x01\x30\x01\x30\x01\x01\x11\0"


def chunk(name: bytes, body: bytes = b"") -> bytes:
    return len(body).to_bytes(4, "big") + name + body + crc32(name + body).to_bytes(4, "big")


def ihdr(*, width: int = 1, height: int = 1, depth: int = 8, colour: int = 2, rest: bytes = bytes(3)) -> bytes:
    return chunk(b"IHDR", width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((depth, colour)) + rest)


def png(header: bytes, *chunks: bytes) -> bytes:
    return SIGNATURE + header + b"".join(chunks)


IDAT, IEND = chunk(b"IDAT", b"picture"), chunk(b"IEND")


def segment(code: int, body: bytes) -> bytes:
    return bytes((0xFF, code)) + (len(body) + 2).to_bytes(2, "big") + body


SOF, SOS = segment(0xC0, FRAME), segment(0xDA, bytes(6))


def jpeg(*parts: bytes) -> bytes:
    return SOI + b"".join(parts)


def test_a_png_is_its_chunks_up_to_iend() -> None:
    body = png(ihdr(), chunk(b"tEXt", b"IEND"), IDAT, IDAT, IEND)
    assert refusal("image/png", body, is_framed=False) is None
    assert all("cut short" in str(refusal("image/png", body[:cut])) for cut in range(8, len(body)))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (png(ihdr(), IEND), "without a picture"),
        (png(IDAT, IEND), "without IHDR"),
        (png(chunk(b"IHDR", bytes(12)), IDAT, IEND), "without IHDR"),
        (png(ihdr(), IDAT), "cut short"),
        (png(ihdr(), b"\x80\0\0\0IDAT"), "no PNG chunk but"),
        (png(ihdr(), chunk(b"ID4T"), IEND), "no PNG chunk but"),
        (png(put(ihdr(), 24, b"\xff"), IDAT, IEND), "impossible IHDR"),
        (b"\x89PNG\n\x1a\n" + png(ihdr(), IDAT, IEND)[8:], "no PNG signature"),
    ],
)
def test_a_png_without_a_part_is_corrupt(body: bytes, message: str) -> None:
    assert message in str(refusal("image/png", body))


@pytest.mark.parametrize(
    "header",
    [
        ihdr(width=0),
        ihdr(height=0),
        ihdr(width=2**31),
        ihdr(height=2**31),
        ihdr(depth=4),
        ihdr(colour=1),
        ihdr(colour=0, depth=3),
        ihdr(colour=3, depth=16),
        ihdr(rest=b"\1\0\0"),
        ihdr(rest=b"\0\1\0"),
        ihdr(rest=b"\0\0\2"),
    ],
)
def test_a_png_header_that_the_standard_forbids_is_corrupt(header: bytes) -> None:
    assert "impossible IHDR" in str(refusal("image/png", png(header, IDAT, IEND)))


@pytest.mark.parametrize(
    "header",
    [ihdr(width=2**31 - 1, height=2**31 - 1), ihdr(rest=b"\0\0\1")],
)
def test_a_png_header_that_the_standard_allows_is_accepted(header: bytes) -> None:
    assert refusal("image/png", png(header, IDAT, IEND), is_framed=False) is None


def test_each_colour_type_has_its_bit_depths() -> None:
    allowed = {
        (colour, depth)
        for colour in range(8)
        for depth in range(33)
        if refusal("image/png", png(ihdr(colour=colour, depth=depth), IDAT, IEND)) is None
    }
    deep = {(colour, depth) for colour in (0, 2, 4, 6) for depth in (8, 16)}
    assert allowed == deep | {(colour, depth) for colour in (0, 3) for depth in (1, 2, 4)} | {(3, 8)}


def test_a_jpeg_is_its_segments_and_scans_up_to_eoi() -> None:
    hidden = segment(0xE0, EOI + b"thumbnail")
    scan = b"coded\xff\x00\xff\xd0more\xff\xff\x00\xff\xd7"
    body = jpeg(hidden, SOF, SOS, scan, segment(0xC4, b"table"), SOS, scan, b"\xff\xff" + EOI)
    assert refusal("image/jpeg", body, is_framed=False) is None
    assert all(refusal("image/jpeg", body[:cut], is_framed=True) for cut in range(len(body)))


@pytest.mark.parametrize("code", [0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC9, 0xCA, 0xCF])
def test_every_kind_of_frame_is_known(code: int) -> None:
    assert refusal("image/jpeg", jpeg(segment(code, FRAME), SOS, b"coded", EOI), is_framed=False) is None


@pytest.mark.parametrize("code", [0xC4, 0xC8, 0xCC, 0xD0, 0xDB])
def test_other_segments_are_no_frames(code: int) -> None:
    assert refusal("image/jpeg", jpeg(segment(code, FRAME), SOS, b"coded", EOI)) is not None


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((EOI,), "without a picture"),
        ((SOF, EOI), "without a picture"),
        ((SOS, EOI), "without a picture"),
        ((SOS, b"coded", EOI), "no JPEG marker at byte 12"),
        ((b"\0", SOF, SOS, EOI), "no JPEG marker at byte 2"),
        ((SOF, b"\xff\x00"), "marker 0x00 out of place"),
        ((SOF, b"\xff\x01"), "marker 0x01 out of place"),
        ((SOF, b"\xff\xd7"), "marker 0xd7 out of place"),
        ((SOF, SOS, SOI), "marker 0xd8 out of place"),
        ((b"\xff\xe0\0\x01", SOF, SOS, EOI), "segment 0xe0 of no size"),
        ((SOF, SOS, b"coded"), "cut short"),
    ],
)
def test_a_jpeg_without_a_part_is_corrupt(parts: tuple[bytes, ...], message: str) -> None:
    assert message in str(refusal("image/jpeg", jpeg(*parts)))


def test_an_empty_segment_is_one() -> None:
    assert refusal("image/jpeg", jpeg(segment(0xFE, b""), SOF, SOS, EOI), is_framed=False) is None


@pytest.mark.parametrize(
    "frame",
    [put(FRAME, 0, b"\0"), put(FRAME, 1, b"\0\0"), put(FRAME, 3, b"\0\0"), put(FRAME, 5, b"\0"), FRAME[:5], b""],
    ids=["no precision", "no height", "no width", "no components", "short", "empty"],
)
def test_a_jpeg_frame_has_a_size(frame: bytes) -> None:
    assert refusal("image/jpeg", jpeg(segment(0xC0, frame), SOS, EOI)) == "JPEG frame without a size"


def test_a_frame_is_at_least_six_bytes_and_may_be_256_pixels_wide() -> None:
    assert refusal("image/jpeg", jpeg(segment(0xC0, FRAME[:6]), SOS, EOI)) is None
    assert refusal("image/jpeg", jpeg(segment(0xC0, b"\x08\x01\0\x01\0\x01"), SOS, EOI)) is None


def test_the_progressive_sample_has_several_scans() -> None:
    assert sample("jpeg-progressive").count(b"\xff\xda") > 1
