"""WAV and WebP: chunks built here, and real files."""

import pytest

from tests.unit.domain.media.samples import sample
from tests.unit.domain.media.verdict import put, refusal

FORMAT = b"\1\0\2\0\x44\xac\0\0\x10\xb1\2\0\4\0\x10\0"
OPEN = 0xFFFF_FFFF
KEY_FRAME = b"\x10\x02\0\x9d\x01\x2a\x30\0\x30\0" + bytes(20)
LOSSLESS = b"\x2f\x2f\xc0\x0b\0" + bytes(20)
EXTENDED = bytes(4) + b"\x2f\0\0\x2f\0\0"


def chunk(name: bytes, body: bytes, *, size: int | None = None) -> bytes:
    stated = len(body) if size is None else size
    return name + stated.to_bytes(4, "little") + body + bytes(len(body) % 2)


def riff(form: bytes, *chunks: bytes, size: int | None = None) -> bytes:
    body = form + b"".join(chunks)
    return b"RIFF" + (len(body) if size is None else size).to_bytes(4, "little") + body


def wav(*chunks: bytes, size: int | None = None) -> bytes:
    return riff(b"WAVE", *chunks, size=size)


def webp(*chunks: bytes, size: int | None = None) -> bytes:
    return riff(b"WEBP", *chunks, size=size)


FMT, DATA, LIST = chunk(b"fmt ", FORMAT), chunk(b"data", bytes(40)), chunk(b"LIST", b"odd")


@pytest.mark.parametrize(
    "chunks",
    [
        (FMT, DATA),
        (LIST, FMT, LIST, DATA, LIST),
        (FMT, chunk(b"data", b"odd")),
        (chunk(b"fmt ", FORMAT + bytes(2)), DATA),
    ],
    ids=["plain", "more chunks", "odd samples", "longer format"],
)
def test_a_wav_file_is_its_chunks(chunks: tuple[bytes, ...]) -> None:
    assert refusal("audio/wav", wav(*chunks), is_framed=False) is None
    assert "cut short" in str(refusal("audio/wav", wav(*chunks)[:-1], is_framed=True))


def test_the_last_byte_may_be_left_unpadded() -> None:
    body = wav(FMT, chunk(b"data", b"odd"))
    assert refusal("audio/wav", put(body, 4, (len(body) - 9).to_bytes(4, "little"))[:-1], is_framed=False) is None


@pytest.mark.parametrize("size", [0, OPEN])
@pytest.mark.parametrize("data", [0, OPEN])
def test_sizes_left_open_need_framing(size: int, data: int) -> None:
    body = wav(FMT, chunk(b"data", bytes(40), size=data), size=size)
    assert refusal("audio/wav", body, is_framed=True) is None
    assert "its end is unknown" in str(refusal("audio/wav", body, is_framed=False))
    assert "cut short" in str(refusal("audio/wav", body[:-40], is_framed=True))


def test_the_size_of_the_samples_holds_where_that_of_the_file_is_open() -> None:
    body = wav(FMT, DATA, size=OPEN)
    assert refusal("audio/wav", body, is_framed=True) is None
    assert "cut short" in str(refusal("audio/wav", body[:-1], is_framed=True))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (wav(), "ends before its content"),
        (wav(FMT), "ends before its content"),
        (wav(FMT, LIST), "ends before its content"),
        (wav(DATA), "without a format"),
        (wav(chunk(b"fmt ", FORMAT[:-1]), DATA), "without a format"),
        (wav(FMT, chunk(b"data", b"")), "without samples"),
        (wav(FMT, chunk(b"data", bytes(40), size=41)), "larger than its file"),
        (wav(FMT, chunk(b"LIST", bytes(4), size=60), DATA), "larger than its file"),
        (b"RIFX" + wav(FMT, DATA)[4:], "no RIFF header at the start but b'RIFX"),
        (webp(FMT, DATA), "no RIFF WAVE header at the start"),
    ],
)
def test_a_wav_file_without_a_part_is_corrupt(body: bytes, message: str) -> None:
    assert message in str(refusal("audio/wav", body))


@pytest.mark.parametrize(
    ("at", "new"),
    [(0, b"\x55\0"), (0, b"\0\0"), (0, b"\1\1"), (2, b"\0\0"), (4, b"\0\0\0\0"), (12, b"\0\0")],
    ids=["MP3 inside", "no format", "unknown", "no channels", "no rate", "no block"],
)
def test_a_wav_format_that_does_not_decode_is_corrupt(at: int, new: bytes) -> None:
    assert "WAV in format" in str(refusal("audio/wav", wav(chunk(b"fmt ", put(FORMAT, at, new)), DATA)))


def test_a_wav_format_at_its_limits_decodes() -> None:
    body = b"\1\0\1\0\1\0\0\0\0\0\0\0\1\0\0\0"
    assert refusal("audio/wav", wav(chunk(b"fmt ", body), DATA), is_framed=False) is None


@pytest.mark.parametrize("code", [1, 2, 3, 6, 7, 0x11, 0xFFFE])
def test_wav_formats_of_plain_samples_are_known(code: int) -> None:
    body = wav(chunk(b"fmt ", put(FORMAT, 0, code.to_bytes(2, "little"))), DATA)
    assert refusal("audio/wav", body, is_framed=False) is None


@pytest.mark.parametrize(
    "chunks",
    [
        (chunk(b"VP8 ", KEY_FRAME),),
        (chunk(b"VP8L", LOSSLESS), LIST),
        (chunk(b"VP8X", EXTENDED), LIST, chunk(b"ALPH", b"odd"), chunk(b"VP8 ", KEY_FRAME)),
        (chunk(b"VP8X", EXTENDED), chunk(b"ANIM", bytes(6)), chunk(b"ANMF", bytes(60))),
    ],
    ids=["lossy", "lossless", "extended", "animation"],
)
def test_a_webp_file_is_its_chunks(chunks: tuple[bytes, ...]) -> None:
    assert refusal("image/webp", webp(*chunks), is_framed=False) is None
    assert "cut short" in str(refusal("image/webp", webp(*chunks)[:-1], is_framed=True))


@pytest.mark.parametrize(
    "picture",
    [
        chunk(b"VP8 ", put(KEY_FRAME, 0, b"\x11")),
        chunk(b"VP8 ", put(KEY_FRAME, 3, b"\x9e")),
        chunk(b"VP8 ", put(KEY_FRAME, 6, b"\x00\xc0")),
        chunk(b"VP8 ", put(KEY_FRAME, 8, b"\x00\xc0")),
        chunk(b"VP8 ", KEY_FRAME[:8]),
        chunk(b"VP8 ", b""),
        chunk(b"VP8L", put(LOSSLESS, 0, b"\x2e")),
        chunk(b"VP8L", put(LOSSLESS, 4, b"\x20")),
        chunk(b"VP8L", LOSSLESS[:4]),
        chunk(b"VP8X", EXTENDED) + chunk(b"ANMF", bytes(9)),
    ],
)
def test_a_webp_picture_that_does_not_decode_is_corrupt(picture: bytes) -> None:
    assert "picture that does not decode" in str(refusal("image/webp", webp(picture, LIST)))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (webp(), "ends before its content"),
        (webp(chunk(b"VP8X", EXTENDED)), "ends before its content"),
        (webp(chunk(b"ANMF", bytes(60))), "WebP that starts with b'ANMF'"),
        (webp(LIST, chunk(b"VP8L", LOSSLESS)), "WebP that starts with b'LIST'"),
        (webp(chunk(b"VP8L", LOSSLESS), size=OPEN), "cut short"),
        (wav(chunk(b"VP8L", LOSSLESS)), "no RIFF WEBP header at the start"),
    ],
)
def test_a_webp_file_without_a_part_is_corrupt(body: bytes, message: str) -> None:
    assert message in str(refusal("image/webp", body))


def test_the_samples_are_of_the_four_kinds() -> None:
    kinds = {sample(name)[12:16] for name in ("webp", "webp-lossless", "webp-alpha", "webp-animation")}
    assert kinds == {b"VP8 ", b"VP8L", b"VP8X"}
