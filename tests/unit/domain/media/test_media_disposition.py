"""Names for saved files: RFC 6266 and RFC 8187."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper.domain.media import content_disposition
from cratekeeper.domain.media.disposition import file_name

HEADER = re.compile(
    r"attachment; filename=\"([A-Za-z0-9 ._()-]+)\"(?:; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+))?"
)


def said(name: str) -> str:
    return content_disposition("attachment", name, fallback="id", key="audio/id.mp3")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Song", 'attachment; filename="Song.mp3"'),
        ("", 'attachment; filename="id.mp3"'),
        ("..", 'attachment; filename="id.mp3"'),
        ("\r\nSet-Cookie: x", 'attachment; filename="Set-Cookie_ x.mp3"'),
        ("Café", "attachment; filename=\"Cafe.mp3\"; filename*=UTF-8''Caf%C3%A9.mp3"),
        ("日本", "attachment; filename=\"id.mp3\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.mp3"),
        ('a"b\\c/d', 'attachment; filename="a_b_c_d.mp3"'),
        (
            "50 % off; really",
            "attachment; filename=\"50 off really.mp3\"; filename*=UTF-8''50%20%25%20off%3B%20really.mp3",
        ),
        ("../../etc/passwd", 'attachment; filename="_.._etc_passwd.mp3"'),
    ],
)
def test_a_name_is_said_so_that_every_browser_understands(name: str, expected: str) -> None:
    assert said(name).replace("  ", " ") == expected


def test_a_picture_is_shown() -> None:
    found = content_disposition("inline", "", fallback="0a", key="images/0a.png")
    assert found == 'inline; filename="0a.png"'


@given(st.text() | st.text("/\\.\"';%\0\n\u202e\ud800 é日"))
def test_no_name_breaks_out_of_the_header_or_of_a_folder(name: str) -> None:
    header = HEADER.fullmatch(said(name))
    assert header is not None
    for found in (header[1], unquote(header[2] or "a.mp3")):
        assert found.endswith(".mp3")
        assert not found.startswith((".", " "))
        assert not set(found) & set("/\\\0\r\n")
    assert len(file_name(name).encode()) < 250 * 2
