"""The media are real: decoders that know nothing of the encoders open every file."""

import asyncio
import struct
from io import BytesIO
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cratekeeper_local.provider.content import Looped, Media
from cratekeeper_local.provider.library import Library, Picture, Sound
from cratekeeper_local.provider.press import Press
from cratekeeper_local.provider.shelf import SHELVES

LIBRARY = Library.of(SHELVES["small"])
FORMATS = ("mp3", "flac", "ogg", "wav", "m4a", "aac")
MAGIC = {"mp3": b"ID3", "flac": b"fLaC", "ogg": b"OggS", "wav": b"RIFF", "aac": b"\xff\xf1"}
CONTAINERS = {"m4a": "mov,mp4,m4a,3gp,3g2,mj2"}


def pressed(wanted: Sound | Picture, *, folder: Path | None = None, edition: int = 0) -> Media:
    return asyncio.run(Press(folder).media(wanted, edition=edition))


def body_of(media: Media) -> bytes:
    return media.content.read(0, media.content.size_bytes)


def decoded(body: bytes) -> tuple[str, float, int]:
    """Container, seconds and loudest sample of a file that decodes to its end."""
    with av.open(BytesIO(body), "r") as container:
        resampler = av.AudioResampler("s16", "stereo", 44_100)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    pcm = b"".join(bytes(frame.planes[0])[: frame.samples * 4] for frame in frames)
    return container.format.name, len(pcm) / 4 / 44_100, max(memoryview(pcm).cast("h"))


@pytest.mark.parametrize("name", FORMATS)
def test_audio_decodes_to_its_length_and_is_heard(name: str) -> None:
    container, seconds, loudest = decoded(body_of(pressed(Sound("test", name, 1.0))))
    assert container == CONTAINERS.get(name, name)
    # Lossy formats end on their own frame: up to two of them, 2048 samples, later.
    assert 1.0 <= seconds < 1.06
    assert 3_000 < loudest < 32_767


@pytest.mark.parametrize("name", sorted(MAGIC))
def test_audio_begins_as_its_format_does(name: str) -> None:
    assert body_of(pressed(Sound("test", name, 0.4))).startswith(MAGIC[name])


def test_mp4_has_its_index_in_front() -> None:
    body = body_of(pressed(Sound("test", "m4a", 0.4)))
    assert body[4:8] == b"ftyp"
    assert 0 < body.index(b"moov") < body.index(b"mdat")


def test_wav_sizes_add_up() -> None:
    body = body_of(pressed(Sound("test", "wav", 0.4)))
    assert struct.unpack("<I", body[4:8])[0] == len(body) - 8
    assert struct.unpack("<I", body[40:44])[0] == len(body) - 44 == round(0.4 * 44_100) * 4


def test_flac_tells_how_many_samples_it_has() -> None:
    body = body_of(pressed(Sound("test", "flac", 0.4)))
    assert int.from_bytes(body[21:26], "big") & (2**36 - 1) == round(0.4 * 44_100)


def test_ogg_marks_its_end() -> None:
    body = body_of(pressed(Sound("test", "ogg", 0.4)))
    last_page = body.rindex(b"OggS")
    assert body[last_page + 5] & 4


def test_every_picture_of_the_library_decodes() -> None:
    for picture in LIBRARY.pictures.values():
        body = body_of(pressed(picture))
        with Image.open(BytesIO(body)) as image:
            image.load()
            assert (image.format, image.size) == ("JPEG", (picture.side, picture.side))
            assert len(image.getcolors(2**20) or ()) > 10
        assert body.endswith(b"\xff\xd9")


@pytest.mark.parametrize("wanted", [*(Sound("s", name, 0.3) for name in FORMATS), Picture("i", "t", "s", 64)], ids=str)
def test_the_same_again_is_the_same_bytes(wanted: Sound | Picture) -> None:
    first, second = pressed(wanted), pressed(wanted)
    assert body_of(first) == body_of(second)
    assert first.etag == second.etag


def test_another_edition_has_other_bytes_of_the_same_length() -> None:
    sound = Sound("test", "wav", 0.3)
    first, second = pressed(sound), pressed(sound, edition=1)
    assert first.etag != second.etag
    assert body_of(first) != body_of(second)
    assert first.content.size_bytes == second.content.size_bytes


def test_a_long_wav_has_exactly_its_bytes_and_a_true_header() -> None:
    media = pressed(Sound("test", "wav", 0.5, wav_bytes=300_000))
    container, seconds, _ = decoded(body_of(media))
    assert media.content.size_bytes == 300_000
    assert (container, seconds) == ("wav", (300_000 - 44) / 4 / 44_100)


def test_files_are_kept_for_the_next_run(tmp_path: Path) -> None:
    sound = Sound("test", "wav", 0.3)
    made = pressed(sound, folder=tmp_path)
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == body_of(made)
    kept.write_bytes(b"from the disk")
    assert body_of(pressed(sound, folder=tmp_path)) == b"from the disk"


def test_many_at_once_get_one_file(tmp_path: Path) -> None:
    async def many() -> list[Media]:
        press = Press(tmp_path)
        return await asyncio.gather(*(press.media(Sound("test", "wav", 0.3)) for _ in range(20)))

    first, *others = asyncio.run(many())
    assert all(media is first for media in others)


def test_a_failure_is_not_remembered(tmp_path: Path) -> None:
    press, sound = Press(tmp_path / "absent"), Sound("test", "wav", 0.3)

    async def twice() -> Media:
        with pytest.raises(FileNotFoundError):
            await press.media(sound)
        (tmp_path / "absent").mkdir()
        return await press.media(sound)

    assert asyncio.run(twice()).content.size_bytes > 0


@given(
    head=st.binary(max_size=50),
    loop=st.binary(min_size=1, max_size=20),
    span=st.tuples(st.integers(0, 200), st.integers(0, 200)),
)
def test_a_looped_body_reads_the_same_from_anywhere(head: bytes, loop: bytes, span: tuple[int, int]) -> None:
    start, stop = sorted(span)
    whole = head + loop * 201
    assert Looped(head, loop, 200).read(start, stop) == whole[start:stop]
