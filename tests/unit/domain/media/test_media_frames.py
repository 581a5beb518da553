"""MP3 and AAC: rows of frames, and the tags around them."""

import pytest

from tests.unit.domain.media.samples import sample
from tests.unit.domain.media.verdict import put, refusal

ID3V1 = b"TAG" + bytes(125)
APE = b"APETAGEX" + b"".join(number.to_bytes(4, "little") for number in (2000, 300, 1, 1 << 31)) + bytes(8 + 300)

MP3 = sample("mp3")
START = MP3.index(b"Info") - 36
"""Where the first frame of the sample starts: behind its ID3v2 tag."""
AAC = sample("aac")


def id3v2(body: bytes, *, flags: int = 0) -> bytes:
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    footer = b"3DI\x04\x00" + bytes((flags,)) + size if flags & 0x10 else b""
    return b"ID3\x04\x00" + bytes((flags,)) + size + body + footer


def adts_sizes(body: bytes) -> list[int]:
    sizes, at = [], 0
    while at < len(body):
        sizes.append(int.from_bytes(body[at + 3 : at + 6], "big") >> 5 & 0x1FFF)
        at += sizes[-1]
    return sizes


@pytest.mark.parametrize("name", ["mp3", "aac", "flac"])
def test_tags_before_the_frames_are_passed(name: str) -> None:
    content_type = {"mp3": "audio/mpeg", "aac": "audio/aac", "flac": "audio/flac"}[name]
    tags = id3v2(b"\xff\xfb" * 300) + id3v2(bytes(3), flags=0x10) + id3v2(bytes(0x204081))
    assert refusal(content_type, tags + sample(name)) is None
    assert refusal(content_type, tags) is not None


@pytest.mark.parametrize("tail", [ID3V1, APE, APE + ID3V1], ids=["id3v1", "ape", "both"])
def test_tags_after_the_frames_are_passed(tail: bytes) -> None:
    for body, content_type, is_framed in ((MP3, "audio/mpeg", False), (AAC, "audio/aac", True)):
        assert refusal(content_type, body + tail, is_framed=is_framed) is None
        assert refusal(content_type, body + tail[:-1], is_framed=is_framed) is not None


def test_an_id3_size_has_seven_bits_a_byte() -> None:
    assert refusal("audio/mpeg", b"ID3\x04\0\0\0\0\0\x80" + MP3) == "ID3v2 tag with an impossible size"
    assert refusal("audio/mpeg", id3v2(bytes(300)) + MP3[START:]) is None


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"\xff\x1b\x90\x00", "no MP3 frame"),
        (b"\xff\xeb\x90\x00", "no MP3 frame"),  # no such version
        (b"\xff\xfd\x90\x00", "no MP3 frame"),  # Layer II
        (b"\xff\xf1\x90\x00", "no MP3 frame"),  # AAC
        (b"\xff\xfb\x00\x00", "forbidden bitrate"),  # free format
        (b"\xff\xfb\xf0\x00", "forbidden bitrate"),
        (b"\xff\xfb\x9c\x00", "forbidden bitrate or sample rate"),
        (b"\xff\xfb\x90", "no MP3 frame"),
    ],
)
def test_a_frame_that_does_not_decode_is_corrupt(header: bytes, message: str) -> None:
    assert message in str(refusal("audio/mpeg", header if len(header) < 4 else put(MP3[START:], 0, header)))


@pytest.mark.parametrize(
    ("header", "size"),
    [
        (b"\xff\xfb\x90\x00", 417),  # MPEG-1, 128 kbit/s, 44.1 kHz
        (b"\xff\xfb\x92\x00", 418),  # the same, padded
        (b"\xff\xfa\xe4\xc0", 960),  # 320 kbit/s, 48 kHz, mono
        (b"\xff\xf3\x80\x00", 208),  # MPEG-2, 64 kbit/s, 22.05 kHz
        (b"\xff\xf3\x18\xc0", 36),  # 8 kbit/s, 16 kHz, mono
        (b"\xff\xe3\xe8\x00", 1440),  # MPEG-2.5, 160 kbit/s, 8 kHz
    ],
)
def test_the_next_frame_is_where_the_first_one_says(header: bytes, size: int) -> None:
    frame = header + bytes(size - 4)
    assert refusal("audio/mpeg", frame * 2) is None
    assert "cut short" in str(refusal("audio/mpeg", (frame * 2)[:-1]))
    assert "no MP3 frame" in str(refusal("audio/mpeg", frame + b"\0" + frame))
    assert "no MP3 frame" in str(refusal("audio/mpeg", frame))


@pytest.mark.parametrize(
    ("version", "rates_hz", "samples", "kbits"),
    [
        (0xFB, (44100, 48000, 32000), 1152, "32 40 48 56 64 80 96 112 128 160 192 224 256 320"),
        (0xF3, (22050, 24000, 16000), 576, "8 16 24 32 40 48 56 64 80 96 112 128 144 160"),
        (0xE3, (11025, 12000, 8000), 576, "8 16 24 32 40 48 56 64 80 96 112 128 144 160"),
    ],
    ids=["MPEG-1", "MPEG-2", "MPEG-2.5"],
)
def test_every_bitrate_and_sample_rate_is_known(
    version: int, rates_hz: tuple[int, ...], samples: int, kbits: str
) -> None:
    for rate, rate_hz in enumerate(rates_hz):
        for number, kbit in enumerate(kbits.split()):
            size = samples * int(kbit) * 1000 // 8 // rate_hz
            frame = bytes((0xFF, version, (number + 1) << 4 | rate << 2, 0)) + bytes(size - 4)
            assert refusal("audio/mpeg", frame * 2) is None
            assert refusal("audio/mpeg", frame * 2 + frame[:-1]) is None


@pytest.mark.parametrize(
    ("header", "at"),
    [
        (b"\xff\xfb\x50\x00", 36),
        (b"\xff\xfb\x50\xc0", 21),
        (b"\xff\xf3\x80\x00", 21),
        (b"\xff\xf3\x80\xc0", 13),
    ],
    ids=["MPEG-1", "MPEG-1 mono", "MPEG-2", "MPEG-2 mono"],
)
def test_xing_stands_behind_the_side_information(header: bytes, at: int) -> None:
    frame = header + bytes(204)
    counting = put(frame, at, b"Xing\0\0\0\1\0\0\0\2")
    assert refusal("audio/mpeg", counting + frame * 2, is_framed=False) is None
    assert refusal("audio/mpeg", put(frame, at + 1, counting[at : at + 12]) + frame * 2, is_framed=False) is not None


def test_frames_of_one_file_have_one_sample_rate() -> None:
    frames = b"\xff\xfb\x90\x00" + bytes(413), b"\xff\xfb\x94\x00" + bytes(380), b"\xff\xf3\x80\x00" + bytes(204)
    assert refusal("audio/mpeg", frames[0] + frames[1]) == "MP3 frames of different sample rates"
    assert refusal("audio/mpeg", frames[0] + frames[2]) == "MP3 frames of different sample rates"


def test_an_mp3_without_a_count_of_frames_is_complete_by_framing_only() -> None:
    for body in (sample("mp3-without-xing"), put(MP3, START + 43, b"\x0e"), put(MP3, START + 36, b"Xinx")):
        assert refusal("audio/mpeg", body, is_framed=True) is None
        assert "its end is unknown" in str(refusal("audio/mpeg", body, is_framed=False))


def test_xing_and_info_mean_the_same() -> None:
    assert refusal("audio/mpeg", put(MP3, START + 36, b"Xing"), is_framed=False) is None


@pytest.mark.parametrize("flags", [b"\x0f", b"\x0e"], ids=["frames and bytes", "bytes"])
def test_the_bytes_that_xing_states_are_there(flags: bytes) -> None:
    stated = MP3[START + 48 : START + 52] if flags == b"\x0f" else MP3[START + 48 : START + 52] * 2
    body = put(MP3, START + 43, flags + (stated if flags == b"\x0e" else b""))
    assert int.from_bytes(stated[:4], "big") == len(MP3) - START
    assert refusal("audio/mpeg", body, is_framed=True) is None
    assert "cut short" in str(refusal("audio/mpeg", body[:-1], is_framed=True))


def test_a_count_alone_is_enough() -> None:
    body = put(MP3, START + 43, b"\x01")
    assert refusal("audio/mpeg", body, is_framed=False) is None
    assert refusal("audio/mpeg", body[:-1], is_framed=True) is None
    assert refusal("audio/mpeg", body[:-1], is_framed=False) is not None


@pytest.mark.parametrize("difference", [-1, 1])
def test_the_count_of_frames_is_exact(difference: int) -> None:
    count = int.from_bytes(MP3[START + 44 : START + 48], "big") + difference
    body = put(MP3, START + 44, count.to_bytes(4, "big"))
    assert refusal("audio/mpeg", body, is_framed=False) is not None


def test_an_aac_cut_within_a_frame_is_corrupt() -> None:
    sizes = adts_sizes(AAC)
    assert sum(sizes) == len(AAC)
    assert "cut short" in str(refusal("audio/aac", AAC[:-1]))
    assert refusal("audio/aac", AAC[: -sizes[-1] + 6]) == "cut short in an ADTS header"
    assert refusal("audio/aac", AAC[: sizes[0] + sizes[1]]) is None
    assert refusal("audio/aac", AAC[: sizes[0]]) == "AAC of 1 frames"
    assert refusal("audio/aac", ID3V1) == "AAC of 0 frames"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"\xff\x01\x50", "no ADTS frame"),
        (b"\xff\xfb\x50", "no ADTS frame"),  # MP3
        (b"\xff\xf1\x74", "forbidden sample rate or size"),
        (b"\xff\xf1\x48", "different sample rates"),
        (b"\xff\xf1\x50\x80\x00\xff\xfc", "forbidden sample rate or size"),  # 7 bytes
        (b"\xff\xf0\x50\x80\x01\x3f\xfc", "forbidden sample rate or size"),  # 9 bytes, 2 of them CRC
        (b"\x00", "no ADTS frame"),
    ],
)
def test_an_aac_frame_that_does_not_decode_is_corrupt(header: bytes, message: str) -> None:
    assert message in str(refusal("audio/aac", put(AAC, adts_sizes(AAC)[0], header)))


def test_frames_with_a_checksum_are_frames() -> None:
    frame = b"\xff\xf0\x50\x80\x01\x5f\xfc" + bytes(3)
    assert refusal("audio/aac", frame * 2) is None
    assert refusal("audio/aac", frame * 2 + frame[:-1]) is not None


def test_a_frame_without_a_checksum_is_longer_than_its_header() -> None:
    frame = b"\xff\xf1\x50\x80\x01\x1f\xfc" + bytes(1)
    assert refusal("audio/aac", frame * 2) is None


@pytest.mark.parametrize("rate", range(13))
def test_every_sample_rate_of_aac_is_known(rate: int) -> None:
    frame = put(AAC[: adts_sizes(AAC)[0]], 2, bytes((AAC[2] & 0xC3 | rate << 2,)))
    assert refusal("audio/aac", frame * 2) is None
