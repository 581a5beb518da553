"""Ogg: pages built here by the rules of RFC 3533, and real ones."""

import pytest

from cratekeeper.domain.media.checksums import crc32_ogg
from tests.unit.domain.media.samples import sample
from tests.unit.domain.media.verdict import put, refusal

OPUS_HEAD = b"OpusHead\x01\x02" + bytes(9)
VORBIS_HEAD = b"\x01vorbis\0\0\0\0\x02\x44\xac\0\0" + b"\xff" * 14
FLAC_HEAD = b"\x7fFLAC\x01\0\0\x01fLaC" + bytes(38)
FIRST, LAST = 2, 4


def page(body: bytes, *, flags: int = 0, serial: int = 7, version: int = 0) -> bytes:
    lacing = bytes([255] * (len(body) // 255) + [len(body) % 255])
    start = b"OggS" + bytes((version, flags)) + bytes(8) + serial.to_bytes(4, "little") + bytes(4)
    rest = bytes((len(lacing),)) + lacing + body
    return start + crc32_ogg(start + bytes(4) + rest).to_bytes(4, "little") + rest


def head(body: bytes = OPUS_HEAD, *, flags: int = FIRST, serial: int = 7) -> bytes:
    return page(body, flags=flags, serial=serial)


WHOLE = head() + page(b"tags") + page(bytes(700), flags=LAST)


def pages_of(body: bytes) -> list[int]:
    """Where the pages start."""
    return [at for at in range(len(body)) if body[at : at + 5] == b"OggS\0"]


@pytest.mark.parametrize("body", [OPUS_HEAD, VORBIS_HEAD, FLAC_HEAD], ids=["opus", "vorbis", "flac"])
def test_known_audio_is_accepted(body: bytes) -> None:
    assert refusal("audio/ogg", head(body) + page(b"data", flags=LAST), is_framed=False) is None


@pytest.mark.parametrize(
    "body",
    [
        OPUS_HEAD[:-1],
        put(OPUS_HEAD, 8, b"\x10"),
        put(OPUS_HEAD, 9, b"\0"),
        put(OPUS_HEAD, 0, b"o"),
        put(VORBIS_HEAD, 0, b"\x03"),
        put(VORBIS_HEAD, 7, b"\x01"),
        put(VORBIS_HEAD, 11, b"\0"),
        put(VORBIS_HEAD, 12, b"\0\0\0"),
        VORBIS_HEAD[:11],
        put(FLAC_HEAD, 5, b"\x02"),
        put(FLAC_HEAD, 9, b"F"),
        b"\x80theora" + bytes(30),
        b"",
    ],
)
def test_what_identifies_no_known_audio_is_corrupt(body: bytes) -> None:
    expected = "Ogg page of no Vorbis, Opus or FLAC stream"
    assert refusal("audio/ogg", head(body) + page(b"data", flags=LAST)) == expected


def test_a_version_of_opus_that_is_compatible_is_known() -> None:
    assert refusal("audio/ogg", head(put(OPUS_HEAD, 8, b"\x0f")) + page(b"data", flags=LAST)) is None


def test_audio_may_be_one_of_several_streams() -> None:
    skeleton, picture = head(b"fishead\0", serial=1), head(b"\x80theora", serial=2)
    ends = page(b"", flags=LAST, serial=1) + page(b"", flags=LAST, serial=2)
    assert refusal("audio/ogg", skeleton + picture + head() + page(b"x", flags=LAST) + ends, is_framed=False) is None
    assert refusal("audio/ogg", skeleton + picture + head() + page(b"x", flags=LAST)) == "Ogg without its last page"


def test_streams_may_follow_one_another() -> None:
    assert refusal("audio/ogg", WHOLE + WHOLE, is_framed=False) is None
    for cut in range(len(WHOLE) + 1, 2 * len(WHOLE)):
        assert refusal("audio/ogg", (WHOLE + WHOLE)[:cut], is_framed=False) is not None


def test_a_first_page_that_is_also_the_last_counts_for_nothing() -> None:
    assert refusal("audio/ogg", head(b"\x81other", flags=FIRST | LAST, serial=0) + WHOLE, is_framed=False) is None
    assert refusal("audio/ogg", head(flags=FIRST | LAST)) == "Ogg without its last page"


@pytest.mark.parametrize("name", ["ogg-opus", "ogg-vorbis", "ogg-flac"])
def test_a_cut_between_two_pages_is_corrupt(name: str) -> None:
    body = sample(name)
    assert len(pages_of(body)) >= 3
    for at in pages_of(body)[1:]:
        assert refusal("audio/ogg", body[:at], is_framed=True) == "Ogg without its last page"


def test_a_page_that_is_none_is_corrupt() -> None:
    assert "no Ogg page but" in str(refusal("audio/ogg", head() + b"OggX" + WHOLE))
    assert "no Ogg page but" in str(refusal("audio/ogg", page(OPUS_HEAD, flags=FIRST, version=1)))
    assert "no Ogg page but" in str(refusal("audio/ogg", WHOLE + page(b"", version=1)))


def test_a_page_of_an_unknown_or_ended_stream_is_corrupt() -> None:
    assert "Ogg page of no" in str(refusal("audio/ogg", head() + page(b"data", serial=8)))
    assert "Ogg page of no" in str(refusal("audio/ogg", WHOLE + page(b"data")))


def test_a_first_page_is_small_and_has_a_right_checksum() -> None:
    damaged = put(WHOLE, 40, b"\x55")
    assert refusal("audio/ogg", damaged) == "first Ogg page with a wrong checksum"
    assert refusal("audio/ogg", head(OPUS_HEAD + bytes(4096 - 19)) + page(b"x", flags=LAST)) is None
    assert refusal("audio/ogg", head(OPUS_HEAD + bytes(4097 - 19))) == "Ogg stream without identification"


def test_streams_at_once_are_few() -> None:
    heads = [head(serial=number) for number in range(17)]
    ends = [page(b"", flags=LAST, serial=number) for number in range(16)]
    assert refusal("audio/ogg", b"".join(heads[:16] + ends), is_framed=False) is None
    assert refusal("audio/ogg", b"".join(heads)) == "more than 16 Ogg streams at once"
