"""Transfers from a hostile provider: each behaviour, its class, and nothing wrong under a final key."""

from collections.abc import Iterator
from socket import socket
from time import monotonic
from typing import Any, Final

import pytest

from cratekeeper.domain.errors import TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.models import Kind, Media
from cratekeeper_local.provider.ids import file_id
from tests.contract.landing import ANSWER_S, CLOCK, WINDOW_S, Landing
from tests.contract.provider_thread import TRACK_ID, Served, serving
from tests.contract.sockets import answering, read_head
from tests.memory.media import MemoryMedia
from tests.memory.samples import wav

PICTURE: Final = file_id("cover 0 of Three Sketches")
CONNECTION, TIMEOUT, CORRUPT = ErrorType.CONNECTION, ErrorType.TIMEOUT, ErrorType.CORRUPT
UNKNOWN, REJECTED, NOT_FOUND = ErrorType.UNKNOWN, ErrorType.REJECTED, ErrorType.NOT_FOUND
MPEG: Final = "Content-Type: audio/mpeg"
CHUNKED: Final = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def clean(served: Served) -> None:
    served.app.script.clear()


@pytest.fixture
def memory() -> MemoryMedia:
    return MemoryMedia(CLOCK)


def raw(status: str, *lines: str, body: str = "{body}") -> dict[str, Any]:
    """An answer as raw text; `{body}` and `{length}` are the true file's."""
    return {"text": "\r\n".join([status, *lines, "", body])}


def ok(*lines: str, body: str = "{body}") -> dict[str, Any]:
    return raw("HTTP/1.1 200 OK", MPEG, *lines, body=body)


LENGTH: Final = "Content-Length: {length}"
BAD_DELIVERY: Final = [
    ("truncate", {}, CORRUPT),
    ("truncate", {"keep": 0}, CORRUPT),
    ("truncate_chunked", {}, CORRUPT),
    ("truncate_chunked", {"keep": 1}, CORRUPT),
    ("close_delimited", {}, CORRUPT),
    ("long_content_length", {}, CORRUPT),
    ("long_content_length", {"size_bytes": 1}, CORRUPT),
    ("length_and_chunked", {}, CORRUPT),
    ("gzip_body", {}, CORRUPT),
    ("gzip_body", {"size_bytes": 8 * 2**20}, CORRUPT),
    ("endless", {"size_bytes": 9_214}, CORRUPT),
    ("slow", {}, TIMEOUT),
    ("slow", {"rate_bytes_s": 900}, TIMEOUT),
    ("header_drip", {"interval_s": 0.1}, TIMEOUT),
    ("hang", {}, TIMEOUT),
    ("hang", {"keep": 0}, TIMEOUT),
    ("hang", {"keep": 0.5}, TIMEOUT),
    ("hang", {"seconds": 0.1}, CONNECTION),
    ("reset", {}, CONNECTION),
    ("reset", {"keep": 0.5}, CONNECTION),
]
"""How the bytes come."""

BAD_CONTENT: Final = [
    ("garbage", {}, CORRUPT),
    ("garbage", {"size_bytes": 1}, CORRUPT),
    ("empty", {}, CORRUPT),
    ("shortened", {}, CORRUPT),
    ("html_200", {}, CORRUPT),
    ("html_200", {"type": "audio/mpeg"}, CORRUPT),
    ("json_200", {}, CORRUPT),
    ("json_200", {"type": "audio/mpeg"}, CORRUPT),
    ("wrong_type", {}, CORRUPT),
    ("wrong_type", {"type": "audio/flac"}, CORRUPT),
    ("wrong_type", {"type": "audio/x-unheard-of"}, CORRUPT),
    ("wrong_type", {"type": "image/jpeg"}, CORRUPT),
    ("wrong_type", {"type": ""}, CORRUPT),
    ("raw", raw("HTTP/1.1 200 OK", LENGTH), CORRUPT),
    ("headers", {"headers": [["Content-Type", "text/html"]]}, CORRUPT),
]
"""What the bytes are, and what is said of them."""

BAD_HTTP: Final = [
    ("raw", {"text": ""}, CONNECTION),
    ("raw", {"text": "nonsense"}, CONNECTION),
    ("raw", {"text": "HTTP/1.1 200"}, CONNECTION),
    ("raw", {"text": "{body}"}, CONNECTION),
    ("raw", raw("HTTP/1.1 two OK", MPEG, LENGTH), CONNECTION),
    ("raw", raw("HTTP/1.1 101 Switching Protocols", "Upgrade: x"), CONNECTION),
    ("raw", ok("Content-Length: abc"), CONNECTION),
    ("raw", ok("Content-Length: -5"), CONNECTION),
    ("raw", ok("Content-Length: 5", "Content-Length: 6"), CONNECTION),
    ("raw", ok("Content-Length: 99999999999999999999999"), CONNECTION),
    ("raw", ok(LENGTH, "no colon here"), CONNECTION),
    ("raw", ok(LENGTH, "X-Nul: a\0b"), CONNECTION),
    ("raw", ok(LENGTH, "X-Long: " + "x" * 2**20), CONNECTION),
    ("raw", ok(LENGTH, *[f"X-{number}: x" for number in range(20_000)]), CONNECTION),
    ("headers", {"headers": [["X-Long", "x" * 65_536]]}, CONNECTION),
    ("raw", ok("Transfer-Encoding: gzip, chunked"), CONNECTION),
    ("raw", ok(CHUNKED, body="zz\r\n{body}\r\n0\r\n\r\n"), CORRUPT),
    ("raw", ok(CHUNKED, body="-1\r\n{body}\r\n0\r\n\r\n"), CORRUPT),
    ("raw", ok(CHUNKED, body="F" * 40 + "\r\n{body}\r\n0\r\n\r\n"), CORRUPT),
    ("raw", ok(CHUNKED, body="1\r\nxyz\r\n0\r\n\r\n"), CORRUPT),
    ("raw", ok(CHUNKED, body="1;" + "e" * 200_000), CORRUPT),
    ("raw", ok(CHUNKED, body="0\r\n\r\n"), CORRUPT),
    ("raw", raw("HTTP/1.0 200 OK", MPEG, body="{body}x"), CORRUPT),
    ("raw", {"text": "HTTP/1.1 103 Early Hints\r\n\r\n" * 1_000}, CONNECTION),
    ("raw", raw("HTTP/1.1 204 No Content", MPEG), CORRUPT),
    ("raw", raw("HTTP/1.1 206 Partial Content", MPEG, LENGTH), CORRUPT),
    ("raw", raw("HTTP/1.1 206 Partial Content", MPEG, LENGTH, "Content-Range: bytes 1-9/10"), CORRUPT),
    ("raw", raw("HTTP/1.1 206 Partial Content", MPEG, LENGTH, "Content-Range: bytes 0-9/*"), CORRUPT),
    ("raw", raw("HTTP/1.1 300 Multiple Choices", LENGTH), UNKNOWN),
    ("raw", raw("HTTP/1.1 302 Found", LENGTH), UNKNOWN),
    ("raw", raw("HTTP/1.1 304 Not Modified"), UNKNOWN),
    ("redirect", {"times": -1}, UNKNOWN),
    ("redirect", {"to": "http://[::1"}, UNKNOWN),
    ("redirect", {"to": "http://127.0.0.1:99999/"}, UNKNOWN),
    ("redirect", {"to": "http://127.0.0.1:1/"}, REJECTED),
    ("redirect", {"to": "https://127.0.0.1/"}, REJECTED),
    ("redirect", {"to": "//169.254.169.254/latest"}, REJECTED),
    ("redirect", {"to": "ftp://127.0.0.1/x"}, REJECTED),
    ("redirect", {"to": "file:///etc/passwd"}, REJECTED),
]
"""Heads and framings that are none, and ways that lead nowhere."""

BAD: Final = [*BAD_DELIVERY, *BAD_CONTENT, *BAD_HTTP]


def named(value: object) -> str:
    return str(value)[:40] if isinstance(value, dict) else str(value)


def spoil(served: Served, behaviour: str, params: dict[str, Any], *, match: str = TRACK_ID) -> None:
    if "text" in params:
        body = served.get().content.decode("latin-1")
        params = {"text": params["text"].replace("{length}", str(len(body))).replace("{body}", body)}
    served.spoil(behaviour, match=match, **params)


@pytest.mark.case("F-04")
@pytest.mark.parametrize(("behaviour", "params", "expected"), BAD, ids=named)
def test_a_bad_answer_is_classed_and_nothing_is_stored(
    served: Served, memory: MemoryMedia, behaviour: str, params: dict[str, Any], expected: ErrorType
) -> None:
    landing = Landing(url=str(served.client.base_url), media=memory, window_s=WINDOW_S)
    spoil(served, behaviour, params)
    started = monotonic()
    with pytest.raises(TransferFailed) as failure:
        landing.land(TRACK_ID)
    assert failure.value.error_type is expected, failure.value.message
    assert monotonic() - started < ANSWER_S + 5
    assert memory.objects == {}
    assert {*memory.open_uploads} <= {landing.item.upload.upload_id if landing.item.upload else None}


@pytest.mark.parametrize(
    ("behaviour", "params"),
    [
        ("chunked", {}),
        ("hang", {"keep": 1}),
        ("redirect", {"times": 5}),
        ("raw", raw("HTTP/9.9 200 OK", MPEG, LENGTH)),
        ("raw", ok(LENGTH)),
        ("raw", ok(LENGTH, "ETag: \xe9", "Set-Cookie: a=b")),
        ("raw", ok(LENGTH, 'ETag: "' + "e" * 10_000 + '"')),
        ("raw", ok(CHUNKED, body="1;ext=1\r\n{first}\r\n{rest_length}\r\n{rest}\r\n0\r\nX-Trailer: x\r\n\r\n")),
        ("raw", {"text": "HTTP/1.1 103 Early Hints\r\n\r\n" * 50 + ok(LENGTH)["text"]}),
        ("raw", raw("HTTP/1.1 206 Partial Content", MPEG, LENGTH, "Content-Range: bytes 0-{last}/{length}")),
        ("wrong_type", {"type": "AUDIO/MP3 ; charset=\xe9"}),
    ],
    ids=named,
)
def test_what_is_only_odd_is_stored_whole(
    served: Served, memory: MemoryMedia, behaviour: str, params: dict[str, Any]
) -> None:
    body = served.get().content
    if "text" in params:
        text, last, rest = body.decode("latin-1"), str(len(body) - 1), f"{len(body) - 1:x}"
        filled = params["text"].replace("{first}", text[0]).replace("{rest}", text[1:])
        params = {"text": filled.replace("{last}", last).replace("{rest_length}", rest)}
    spoil(served, behaviour, params)
    landing = Landing(url=str(served.client.base_url), media=memory)
    media = landing.land(TRACK_ID)
    assert landing.stored(media) == body
    assert isinstance(media, Media)
    assert (media.key, media.content_type) == (f"audio/{TRACK_ID}.mp3", "audio/mpeg")
    assert memory.objects[media.key].info.content_type == "audio/mpeg"


@pytest.mark.case("F-04")
@pytest.mark.parametrize(
    ("behaviour", "params"),
    [
        ("html_200", {}),
        ("html_200", {"type": "image/jpeg"}),
        ("shortened", {}),
        ("close_delimited", {"keep": 0.9}),
        ("wrong_type", {"type": "audio/mpeg"}),
        ("wrong_type", {"type": "image/png"}),
        ("wrong_type", {"type": "image/svg+xml"}),
        ("gzip_body", {}),
    ],
    ids=named,
)
def test_a_picture_that_is_none_is_not_stored(
    served: Served, memory: MemoryMedia, behaviour: str, params: dict[str, Any]
) -> None:
    served.spoil(behaviour, match=PICTURE, **params)
    landing = Landing(url=str(served.client.base_url), media=memory)
    with pytest.raises(TransferFailed) as failure:
        landing.land(PICTURE, Kind.ALBUM_IMAGE)
    assert (failure.value.error_type, memory.objects) == (CORRUPT, {})


def test_a_picture_that_ends_with_its_connection_is_stored(served: Served, memory: MemoryMedia) -> None:
    body = served.get(f"/image/{PICTURE}").content
    served.spoil("close_delimited", match=PICTURE, keep=1)
    landing = Landing(url=str(served.client.base_url), media=memory)
    assert landing.stored(landing.land(PICTURE, Kind.ALBUM_IMAGE)) == body


ENDLESS: Final = b"RIFF\xff\xff\xff\xffWAVE" + wav("endless")[12:40] + b"\xff" * 4 + bytes(2**16)
"""The beginning of a sound whose writer did not know its size."""


def endless(connection: socket, *lines: str) -> None:
    """A body without an end, as fast as it goes."""
    read_head(connection)
    head = "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: audio/wav", CHUNKED, *lines, "", ""])
    connection.sendall(head.encode())
    while True:
        connection.sendall(b"%x\r\n%b\r\n" % (len(ENDLESS), ENDLESS))


def test_an_endless_body_is_corrupt_once_it_is_larger_than_any_object(memory: MemoryMedia) -> None:
    with answering(endless) as port:
        landing = Landing(url=f"http://127.0.0.1:{port}", media=memory, part_bytes=256, timeout_s=20)
        with pytest.raises(TransferFailed, match="no end within 10000 parts") as failure:
            landing.land(TRACK_ID)
    assert failure.value.error_type is CORRUPT
    assert (memory.objects, memory.open_uploads, landing.item.upload) == ({}, {}, None)


@pytest.mark.parametrize(("line", "is_resumable"), [('ETag: "a"', True), ('ETag: W/"a"', False)])
def test_an_endless_body_ends_with_the_time(memory: MemoryMedia, line: str, *, is_resumable: bool) -> None:
    with answering(lambda connection: endless(connection, line)) as port:
        landing = Landing(url=f"http://127.0.0.1:{port}", media=memory, part_bytes=2**20)
        started = monotonic()
        try:
            result: object = landing.land(TRACK_ID)
        except TransferFailed as failure:
            result = failure.error_type
        assert monotonic() - started < ANSWER_S + 5
    assert result == (landing.item.upload if is_resumable else TIMEOUT)
    assert memory.objects == {}


@pytest.mark.parametrize("length", [10_000 * 2**23 + 1, 10**17])
def test_a_length_that_no_object_can_have_is_corrupt_at_once(memory: MemoryMedia, length: int) -> None:
    def behave(connection: socket) -> None:
        read_head(connection)
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: {length}\r\n\r\n".encode())
        connection.recv(1)

    with answering(behave) as port, pytest.raises(TransferFailed) as failure:
        Landing(url=f"http://127.0.0.1:{port}", media=memory).land(TRACK_ID)
    assert (failure.value.error_type, memory.open_uploads) == (CORRUPT, {})
