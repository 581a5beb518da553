"""FLAC, frame by frame: files built here by the rules of RFC 9639, and a real one."""

import pytest

from cratekeeper.domain.media.checksums import crc8, crc16, crc32_ogg
from cratekeeper.domain.media.flac_frame import FrameHeader, decode
from tests.unit.domain.media.samples import sample
from tests.unit.domain.media.verdict import put, refusal

BLOCK = 192
REAL = sample("flac")


def coded(number: int) -> bytes:
    """Like UTF-8, which Python itself knows for up to four bytes."""
    return chr(number).encode("utf-8", "surrogatepass")


def header(
    number: int, *, sync: bytes = b"\xff\xf8", sizes: int = 0x19, layout: int = 0x18, extra: bytes = b""
) -> bytes:
    plain = sync + bytes((sizes, layout)) + coded(number) + extra
    return plain + bytes((crc8(plain),))


def frame(start: bytes, payload: bytes = b"\0\0\0") -> bytes:
    return start + payload + crc16(start + payload).to_bytes(2, "big")


def last(number: int, samples: int, *, sync: bytes = b"\xff\xf8") -> bytes:
    return frame(header(number, sync=sync, sizes=0x69, extra=bytes((samples - 1,))))


def stream_info(*, total: int, block: tuple[int, int] = (BLOCK, BLOCK), rate_hz: int = 44100, bits: int = 16) -> bytes:
    packed = rate_hz << 44 | 1 << 41 | bits - 1 << 36 | total
    return b"".join(size.to_bytes(2, "big") for size in block) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)


def flac(*frames: bytes, total: int, info: bytes | None = None, blocks: bytes = b"") -> bytes:
    body = stream_info(total=total) if info is None else info
    start = (b"\0" if blocks else b"\x80") + len(body).to_bytes(3, "big") + body
    return b"fLaC" + start + blocks + b"".join(frames)


def test_the_checksums_are_those_of_their_catalogues() -> None:
    check = b"123456789"
    assert (crc8(check), crc16(check), crc32_ogg(check)) == (0xF4, 0xFEE8, 0x89A1897F)
    assert crc16(check[4:], crc16(check[:4])) == crc16(check)
    assert crc8(b"") == crc16(b"") == crc32_ogg(b"") == 0


@pytest.mark.parametrize("number", [0, 1, 127, 128, 2047, 2048, 65535, 65536, 0x10FFFF])
def test_a_number_is_read_back(number: int) -> None:
    found = decode(header(number))
    assert found == FrameHeader(b"\xff\xf8", (9, 8), number, BLOCK, 5 + len(coded(number)))


@pytest.mark.parametrize(
    ("code", "number"),
    [
        (b"\x7f", 0x7F),
        (b"\xf8\x88\x80\x80\x80", 0x200000),
        (b"\xfc\x84\x80\x80\x80\x80", 0x4000000),
        (b"\xfe\xbf\xbf\xbf\xbf\xbf\xbf", 0xF_FFFF_FFFF),
        (b"\x80", None),
        (b"\xff\x80\x80\x80\x80\x80\x80\x80", None),
        (b"\xc2\x40", None),
        (b"\xe2\x80\xc0", None),
    ],
)
def test_a_number_has_up_to_36_bits_in_seven_bytes(code: bytes, number: int | None) -> None:
    plain = b"\xff\xf9\x19\x18" + code
    found = decode(plain + bytes((crc8(plain),)) + bytes(9))
    assert (found and found.number) == number


@pytest.mark.parametrize(
    ("sizes", "extra", "samples"),
    [
        (0x19, b"", 192),
        (0x29, b"", 576),
        (0x39, b"", 1152),
        (0x49, b"", 2304),
        (0x59, b"", 4608),
        (0x69, b"\x0f", 16),
        (0x79, b"\xff\xfe", 65535),
        (0x89, b"", 256),
        (0x99, b"", 512),
        (0xF9, b"", 32768),
        (0x1C, b"\x2c", 192),
        (0x1D, b"\xac\x44", 192),
        (0x7E, b"\x01\x00\x11\x3a", 257),
    ],
)
def test_a_header_states_its_samples_and_size(sizes: int, extra: bytes, samples: int) -> None:
    data = header(5, sizes=sizes, extra=extra)
    found = decode(data + bytes(9))
    assert found is not None
    assert (found.samples, found.size_bytes, found.code) == (samples, len(data), (sizes & 15, 8))
    assert decode(data[:-1]) is None


@pytest.mark.parametrize(
    ("sizes", "layout", "sync"),
    [
        (0x09, 0x18, b"\xff\xf8"),
        (0x1F, 0x18, b"\xff\xf8"),
        (0x19, 0xB8, b"\xff\xf8"),
        (0x19, 0xF8, b"\xff\xf8"),
        (0x19, 0x16, b"\xff\xf8"),
        (0x19, 0x19, b"\xff\xf8"),
        (0x19, 0x18, b"\xff\xfa"),
        (0x19, 0x18, b"\xfe\xf8"),
    ],
)
def test_a_header_with_reserved_codes_is_none(sizes: int, layout: int, sync: bytes) -> None:
    assert decode(header(0, sizes=0x19, layout=0xA8)) is not None
    assert decode(header(0, sizes=sizes, layout=layout, sync=sync)) is None


def test_every_other_code_is_known() -> None:
    rates = {12: b"\x2c", 13: b"\xac\x44", 14: b"\x11\x3a"}
    assert all(decode(header(0, sizes=0x10 | rate, extra=rates.get(rate, b""))) for rate in range(15))
    assert all(decode(header(0, layout=channels << 4 | 8)) for channels in range(11))
    assert [depth for depth in range(8) if decode(header(0, layout=depth << 1))] == [0, 1, 2, 4, 5, 6, 7]


def test_a_header_with_a_wrong_checksum_is_none() -> None:
    data = header(3)
    assert decode(data) is not None
    assert decode(data[:-1] + bytes((data[-1] ^ 1,))) is None


def test_frames_of_fixed_size_are_counted() -> None:
    body = flac(frame(header(0)), frame(header(1)), last(2, 20), total=2 * BLOCK + 20)
    assert refusal("audio/flac", body, is_framed=False) is None
    assert "ends at sample 384 of 404" in str(refusal("audio/flac", body[: -len(last(2, 20))]))
    assert "cut short in its last frame" in str(refusal("audio/flac", body[:-1]))


def test_frames_of_variable_size_bear_their_first_sample() -> None:
    sync = b"\xff\xf9"
    frames = [frame(header(0, sync=sync)), last(BLOCK, 20, sync=sync), frame(header(BLOCK + 20, sync=sync))]
    assert refusal("audio/flac", flac(*frames, total=2 * BLOCK + 20), is_framed=False) is None
    assert refusal("audio/flac", flac(frames[0], frame(header(1, sync=sync)), total=2 * BLOCK)) is not None


@pytest.mark.parametrize(
    "second",
    [
        frame(header(2)),
        frame(header(0)),
        last(1, 20),
        frame(header(1, sizes=0x1A)),
        frame(header(1, layout=0x1C)),
        frame(header(1, sync=b"\xff\xf9")),
    ],
    ids=["gap", "repeated", "other size", "other rate", "other depth", "other kind"],
)
def test_a_frame_that_does_not_follow_the_one_before_is_passed_over(second: bytes) -> None:
    assert refusal("audio/flac", flac(frame(header(0)), frame(header(1)), frame(header(2)), total=3 * BLOCK)) is None
    assert "ends at sample 192 of 576" in str(refusal("audio/flac", flac(frame(header(0)), second, total=3 * BLOCK)))
    assert (
        refusal("audio/flac", flac(frame(header(0)), second, frame(header(1)), frame(header(2)), total=3 * BLOCK))
        is None
    )


def test_what_looks_like_a_header_within_a_frame_is_passed_over() -> None:
    payload = b"\xff\xf8\xff\xf8\x19\x18" + header(9) + b"\xff\xf8\xff"
    assert (
        refusal(
            "audio/flac", flac(frame(header(0), payload), frame(header(1), payload), total=2 * BLOCK), is_framed=False
        )
        is None
    )


def test_the_first_frame_has_number_0_and_stands_right_behind_the_metadata() -> None:
    for start in (frame(header(1)), b"\0" + frame(header(0)), b"", b"\xff\xf8\x19"):
        assert "no first FLAC frame" in str(refusal("audio/flac", flac(start, frame(header(1)), total=2 * BLOCK)))


def test_a_total_left_open_needs_framing() -> None:
    body = flac(frame(header(0)), frame(header(1)), total=0)
    assert refusal("audio/flac", body, is_framed=True) is None
    assert "its end is unknown" in str(refusal("audio/flac", body, is_framed=False))


def test_a_frame_has_a_bound() -> None:
    bound = 2 * BLOCK * 2 * 2 + 1024
    for filling, message in ((0, None), (bound - 30, None), (bound, f"no FLAC frame before byte {bound + 42}")):
        body = flac(frame(header(0), bytes(filling)), frame(header(1)), total=2 * BLOCK)
        assert refusal("audio/flac", body) == message
    assert refusal("audio/flac", flac(frame(header(0), bytes(bound)), total=BLOCK)) == "bytes after the last FLAC frame"
    assert refusal("audio/flac", flac(frame(header(0), bytes(bound - 30)), total=BLOCK)) is None


def test_only_an_id3v1_tag_or_zeros_may_follow() -> None:
    for tail in (b"TAG" + bytes(range(125)), bytes(40)):
        assert refusal("audio/flac", REAL + tail, is_framed=False) is None
    for tail in (b"TAG" + bytes(range(124)), b"TAX" + bytes(range(125)), b"\1"):
        assert refusal("audio/flac", REAL + tail, is_framed=True) is not None
    assert refusal("audio/flac", REAL[:-1] + b"TAG" + bytes(range(125)), is_framed=True) is not None


def test_metadata_blocks_are_passed() -> None:
    padding = b"\x01\0\0\x05" + b"\xff\xf8\0\0\0" + b"\x84\0\0\x02ab"
    assert refusal("audio/flac", flac(frame(header(0)), total=BLOCK, blocks=padding)) is None
    for kind in (0x00, 0x7F):
        blocks = bytes((kind,)) + padding[1:]
        assert "forbidden metadata" in str(refusal("audio/flac", flac(frame(header(0)), total=BLOCK, blocks=blocks)))


@pytest.mark.parametrize(
    "info",
    [
        stream_info(total=BLOCK, block=(15, BLOCK)),
        stream_info(total=BLOCK, block=(BLOCK, BLOCK - 1)),
        stream_info(total=BLOCK, rate_hz=0),
        stream_info(total=BLOCK, bits=3),
    ],
    ids=["tiny blocks", "blocks upside down", "no rate", "no depth"],
)
def test_stream_info_is_sane(info: bytes) -> None:
    assert "impossible STREAMINFO" in str(refusal("audio/flac", flac(frame(header(0)), total=BLOCK, info=info)))


def test_stream_info_at_its_limits_is_sane() -> None:
    info = stream_info(total=BLOCK, block=(16, BLOCK), rate_hz=1, bits=4)
    assert refusal("audio/flac", flac(frame(header(0)), total=BLOCK, info=info)) is None


def test_stream_info_comes_first_and_whole() -> None:
    short = stream_info(total=BLOCK)[:-1]
    assert refusal("audio/flac", flac(frame(header(0)), total=BLOCK, info=short)) == "FLAC without STREAMINFO"
    assert refusal("audio/flac", put(REAL, 4, b"\x04")) == "FLAC without STREAMINFO"
