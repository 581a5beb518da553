import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper.domain.media import (
    MEDIA_KEY,
    MEDIA_TYPES,
    audio_key,
    image_key,
    is_content_id,
    is_image_id,
    media_of_key,
)

TRACK = "6rqhFgbbKwnb9MLmUQDhG6"
IMAGE = "ab67616d0000b273e8b066f70c206551f4bca0ff"

content_ids = st.text(string.digits + string.ascii_letters, min_size=22, max_size=22)
image_ids = st.text("0123456789abcdef", min_size=40, max_size=40)


@pytest.mark.case("U-04")
@pytest.mark.parametrize(
    "text",
    ["", TRACK[1:], TRACK + "a", TRACK[1:] + "-", TRACK[1:] + "/", TRACK[1:] + "é", TRACK + "\n", TRACK[1:] + "\u0661"],
)
def test_a_content_id_is_22_base62_digits(text: str) -> None:
    assert is_content_id(TRACK)
    assert not is_content_id(text)
    with pytest.raises(ValueError, match="22 base62 digits"):
        audio_key(text, "audio/flac")


@pytest.mark.case("U-05")
@pytest.mark.parametrize("text", ["", IMAGE[1:], IMAGE + "0", IMAGE.upper(), IMAGE[1:] + "g", IMAGE + "\n"])
def test_an_image_id_is_40_lower_case_hex_digits(text: str) -> None:
    assert is_image_id(IMAGE)
    assert not is_image_id(text)
    with pytest.raises(ValueError, match="40 lower-case hex digits"):
        image_key(text)


@pytest.mark.case("F-03")
@pytest.mark.parametrize(
    ("content_type", "key"),
    [
        ("audio/ogg", f"audio/{TRACK}.ogg"),
        ("audio/mpeg", f"audio/{TRACK}.mp3"),
        ("audio/flac", f"audio/{TRACK}.flac"),
        ("audio/wav", f"audio/{TRACK}.wav"),
        ("audio/aac", f"audio/{TRACK}.aac"),
        ("audio/mp4", f"audio/{TRACK}.m4a"),
    ],
)
def test_the_key_of_a_track_ends_as_its_type_says(content_type: str, key: str) -> None:
    assert audio_key(TRACK, content_type) == key


@pytest.mark.parametrize(
    ("content_type", "key"),
    [
        ("image/jpeg", f"images/{IMAGE}.jpg"),
        ("image/png", f"images/{IMAGE}.png"),
        ("image/webp", f"images/{IMAGE}.webp"),
    ],
)
def test_the_key_of_an_image_ends_as_its_type_says(content_type: str, key: str) -> None:
    assert image_key(IMAGE, content_type) == key


def test_an_image_is_a_jpeg_unless_said_otherwise() -> None:
    assert image_key(IMAGE) == f"images/{IMAGE}.jpg"


@pytest.mark.case("F-03")
def test_another_type_has_no_key() -> None:
    with pytest.raises(ValueError, match="image/jpeg is no audio type"):
        audio_key(TRACK, "image/jpeg")
    with pytest.raises(ValueError, match="text/html is no image type"):
        image_key(IMAGE, "text/html")


@given(track=content_ids, image=image_ids, media=st.sampled_from(list(MEDIA_TYPES.values())))
def test_every_key_has_the_pattern_and_a_way_back(track: str, image: str, media: tuple[str, str, str]) -> None:
    content_type, extension, kind = media
    content, key = (
        (track, audio_key(track, content_type)) if kind == "audio" else (image, image_key(image, content_type))
    )
    assert MEDIA_KEY.fullmatch(key)
    assert media_of_key(key) == (kind, content, extension)


@pytest.mark.parametrize(
    "key",
    [
        "",
        f"audio/{TRACK}",
        f"audio/{TRACK}.exe",
        f"audio/{TRACK}.jpg",
        f"audio/{TRACK}.mp3\n",
        f"/audio/{TRACK}.mp3",
        f"audio/../{TRACK}.mp3",
        f"images/{TRACK}.jpg",
        f"images/{IMAGE}.mp3",
        f"images/{IMAGE.upper()}.jpg",
    ],
)
def test_other_text_is_no_key(key: str) -> None:
    with pytest.raises(ValueError, match="not a media key"):
        media_of_key(key)


@given(st.text(max_size=60))
def test_foreign_text_never_gets_into_a_key(text: str) -> None:
    for build in (audio_key, image_key):
        try:
            key = build(text, "audio/ogg" if build is audio_key else "image/png")
        except ValueError:
            continue
        assert MEDIA_KEY.fullmatch(key)
