import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper.domain.media import MEDIA_TYPES, CorruptMedia, media_type


@pytest.mark.parametrize("content_type", MEDIA_TYPES)
def test_a_listed_type_is_itself(content_type: str) -> None:
    assert media_type(content_type) == MEDIA_TYPES[content_type]
    assert media_type(content_type, MEDIA_TYPES[content_type].kind).content_type == content_type


@pytest.mark.parametrize(
    ("header", "content_type"),
    [
        ("Audio/OGG; codecs=opus", "audio/ogg"),
        (' audio/mp4 ;codecs="mp4a.40.2"', "audio/mp4"),
        ("audio/mp3", "audio/mpeg"),
        ("audio/x-flac", "audio/flac"),
        ("audio/x-wav", "audio/wav"),
        ("audio/wave", "audio/wav"),
        ("audio/vnd.wave", "audio/wav"),
        ("audio/aacp", "audio/aac"),
        ("audio/m4a", "audio/mp4"),
        ("AUDIO/X-M4A", "audio/mp4"),
        ("image/jpg", "image/jpeg"),
    ],
)
def test_case_parameters_and_aliases_do_not_matter(header: str, content_type: str) -> None:
    assert media_type(header).content_type == content_type


@pytest.mark.case("F-03")
@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("text/html; charset=utf-8", "text/html is no audio type"),
        ("image/png", "image/png is no audio type"),
        ("audio/midi", "audio/midi is no audio type"),
        ("audio/ogg, audio/ogg", "audio/ogg, audio/ogg is no audio type"),
        ("", "no content type is no audio type"),
        (None, "no content type is no audio type"),
    ],
)
def test_any_other_type_is_corrupt(header: str | None, message: str) -> None:
    with pytest.raises(CorruptMedia) as caught:
        media_type(header, "audio")
    assert str(caught.value) == message


def test_without_a_kind_any_listed_type_will_do() -> None:
    with pytest.raises(CorruptMedia) as caught:
        media_type("application/json")
    assert str(caught.value) == "application/json is no media type"


@given(st.text())
def test_a_message_is_short_and_printable_whatever_was_sent(text: str) -> None:
    message = str(CorruptMedia(text * 50))
    assert len(message.encode()) <= 200
    assert message.isascii()
    assert message.isprintable()


def test_a_printable_message_stays_as_it_is() -> None:
    assert str(CorruptMedia("cut short ~ after 3 bytes")) == "cut short ~ after 3 bytes"
    assert str(CorruptMedia("a\x7fb\x1fc")) == "a?b?c"
    assert str(CorruptMedia("x" * 201)) == "x" * 200
