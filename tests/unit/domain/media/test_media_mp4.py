"""MP4: boxes built here by the rules of ISO/IEC 14496-12, and real ones."""

import pytest

from tests.unit.domain.media.samples import sample
from tests.unit.domain.media.verdict import put, refusal


def box(kind: bytes, *parts: bytes, size: int | None = None) -> bytes:
    body = b"".join(parts)
    return (8 + len(body) if size is None else size).to_bytes(4, "big") + kind + body


def large(kind: bytes, body: bytes) -> bytes:
    return b"\0\0\0\1" + kind + (16 + len(body)).to_bytes(8, "big") + body


def offsets(*places: int, kind: bytes = b"stco", count: int | None = None) -> bytes:
    width = 4 if kind == b"stco" else 8
    stated = len(places) if count is None else count
    return box(kind, bytes(4), stated.to_bytes(4, "big"), *(place.to_bytes(width, "big") for place in places))


def movie(table: bytes, *, handler: bytes = b"soun") -> bytes:
    media = box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(13)), box(b"minf", box(b"stbl", box(b"stsd"), table)))
    return box(b"moov", box(b"mvhd", bytes(100)), box(b"trak", media))


def accepted(*boxes: bytes, is_framed: bool = False) -> bool:
    return refusal("audio/mp4", b"".join(boxes), is_framed=is_framed) is None


BRAND = box(b"ftyp", b"M4A ", bytes(4), b"isom")
DATA = box(b"mdat", bytes(100))
AT = len(BRAND) + 8
"""Where the samples start if `mdat` is right behind the brand."""


def test_movie_and_data_may_come_in_either_order() -> None:
    assert accepted(BRAND, DATA, movie(offsets(AT)))
    first = movie(offsets(1000))
    assert accepted(BRAND, movie(offsets(len(BRAND + first) + 8)), DATA)


@pytest.mark.parametrize("cut", range(1, 100, 9))
def test_every_box_is_whole(cut: int) -> None:
    body = BRAND + DATA + movie(offsets(AT))
    assert refusal("audio/mp4", body[:-cut]) is not None
    assert refusal("audio/mp4", body + DATA[:-cut]) is not None
    assert refusal("audio/mp4", body + DATA[:7]) is not None


def test_large_boxes_and_offsets_are_read() -> None:
    data, table = large(b"mdat", bytes(100)), offsets(AT + 8, AT + 50, kind=b"co64")
    assert accepted(BRAND, data, movie(table))
    assert not accepted(BRAND, data[:-1])
    assert not accepted(BRAND, data, movie(offsets(AT + 8, 2**40, kind=b"co64")))


def test_the_last_samples_are_there() -> None:
    end = len(BRAND + DATA)
    assert accepted(BRAND, DATA, movie(offsets(AT, end - 1, AT)))
    assert refusal("audio/mp4", BRAND + DATA + movie(offsets(AT, end, AT))) == "MP4 cut short before its last samples"
    assert accepted(BRAND, DATA, DATA, movie(offsets(AT, end)))


def test_a_long_table_is_read_to_its_end() -> None:
    assert accepted(BRAND, DATA, movie(offsets(*[AT] * 1500)))
    assert not accepted(BRAND, DATA, movie(offsets(*[AT] * 1499, 5000)))
    assert not accepted(BRAND, DATA, movie(offsets(5000, *[AT] * 1499)))
    assert accepted(BRAND, box(b"mdat", bytes(100_000)), movie(offsets(*range(AT, AT + 1500))))


def test_every_track_counts() -> None:
    picture = movie(offsets(5000), handler=b"vide")[8:]
    sound = movie(offsets(AT))[8:]
    assert not accepted(BRAND, DATA, box(b"moov", picture, sound))
    assert accepted(BRAND, box(b"mdat", bytes(5000)), box(b"moov", sound, picture))
    assert accepted(BRAND, box(b"mdat", bytes(5000)), box(b"moov", picture, sound))


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ((DATA, movie(offsets(AT))), "no MP4 ftyp at the start"),
        ((BRAND, DATA), "without a sound track"),
        ((BRAND, movie(offsets(AT))), "without a sound track"),
        ((BRAND, DATA, movie(offsets(AT), handler=b"vide")), "without a sound track"),
        ((BRAND, DATA, movie(offsets())), "without samples"),
        ((BRAND, DATA, movie(box(b"stsz", bytes(12)))), "without samples"),
        ((BRAND, DATA, movie(offsets(AT, count=2))), "more chunk offsets than their box holds"),
        ((BRAND, DATA, movie(offsets(AT, count=2**32 - 1))), "more chunk offsets than their box holds"),
        ((BRAND, box(b"mdat", size=7)), "no MP4 box but"),
        ((BRAND, b"\0\0\0\1mdat" + (15).to_bytes(8, "big")), "no MP4 box but"),
        ((BRAND, box(b"md\0t")), "no MP4 box but"),
        ((BRAND, box(b"moov", box(b"trak", size=9))), "larger than moov"),
        ((BRAND, box(b"moov", box(b"trak", size=0))), "larger than moov"),
        ((BRAND, box(b"moov", box(b"udta", size=7))), "no MP4 box but"),
    ],
)
def test_a_file_without_a_part_is_corrupt(boxes: tuple[bytes, ...], message: str) -> None:
    assert message in str(refusal("audio/mp4", b"".join(boxes)))


def test_a_large_box_may_be_empty() -> None:
    assert accepted(BRAND, large(b"free", b""), box(b"free"), box(b"\xa9too"), DATA, movie(offsets(AT + 60)))


@pytest.mark.parametrize("brand", [box(b"ftyp", b"M4A "), box(b"ftyp", b"M4\0 ", bytes(4)), box(b"ftyp", b"M4")])
def test_a_brand_has_four_printable_signs_and_a_version(brand: bytes) -> None:
    assert "impossible brand" in str(refusal("audio/mp4", brand + DATA + movie(offsets(AT))))
    assert accepted(box(b"ftyp", b"qt  ", bytes(4)), DATA, movie(offsets(AT)))


def test_data_without_a_size_needs_framing_and_the_end_of_the_file() -> None:
    first = movie(offsets(1000))
    body = BRAND + movie(offsets(len(BRAND + first) + 8)) + box(b"mdat", bytes(100), size=0)
    assert accepted(body, is_framed=True)
    assert "its end is unknown" in str(refusal("audio/mp4", body, is_framed=False))
    assert "its end is unknown" in str(refusal("audio/mp4", BRAND + DATA + box(b"moov", size=0), is_framed=False))
    assert "without a size" in str(refusal("audio/mp4", BRAND + DATA + box(b"free", size=0), is_framed=True))
    assert "without a sound track" in str(refusal("audio/mp4", BRAND + box(b"mdat", bytes(9), size=0), is_framed=True))


def test_boxes_nested_without_end_are_no_burden() -> None:
    nested = b""
    for _ in range(5000):
        nested = box(b"trak", nested)
    assert refusal("audio/mp4", BRAND + DATA + box(b"moov", nested)) == "MP4 without a sound track"


def test_fragments_are_closed_by_mfra() -> None:
    body = sample("m4a-fragments")
    last = body.index(b"mfra") - 4
    assert refusal("audio/mp4", body[:last], is_framed=True) is None
    assert "its end is unknown" in str(refusal("audio/mp4", body[:last], is_framed=False))
    assert "its end is unknown" in str(refusal("audio/mp4", body + box(b"free"), is_framed=False))


def test_a_handler_is_read_from_its_own_field() -> None:
    body = sample("m4a")
    at = body.index(b"soun")
    assert refusal("audio/mp4", put(body, at, b"vide")) == "MP4 without a sound track"
    assert refusal("audio/mp4", put(body, at, b"vidsoun")) == "MP4 without a sound track"
