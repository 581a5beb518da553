"""Presigned requests: what S3 checks of them, and an S3 that refuses early, breaks off or lies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import count, repeat
from socket import SHUT_RDWR, socket
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ResponseStreamingError

from cratekeeper.adapters.aws import Aws
from cratekeeper.adapters.s3 import S3Media
from cratekeeper.domain.errors import NotFound, ObjectExists, Unavailable
from tests.contract.emulator import Emulator, a_session
from tests.contract.sockets import answering, read_head
from tests.memory.samples import content_id

KEY: Final = f"audio/{content_id('a track')}.ogg"
OGG: Final = "audio/ogg"
PIECE: Final = bytes(2**16)
PIECES: Final = 4096
"""More than all buffers between here and there can hold."""

_numbers = count(1)


@pytest.fixture
def bucket(emulator: Emulator) -> str:
    name = f"signed-{next(_numbers)}"
    emulator.aws.s3.create_bucket(Bucket=name)
    return name


def link(emulator: Emulator, bucket: str, **condition: str) -> str:
    """A presigned PUT as the adapter makes it."""
    params = {"Bucket": bucket, "Key": KEY, "ContentType": OGG, **condition}
    return emulator.aws.s3.generate_presigned_url("put_object", Params=params, ExpiresIn=60)


def sent(url: str, headers: dict[str, str]) -> int:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=10)
    connection.request("PUT", f"{parts.path}?{parts.query}", body=b"some bytes", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": "*", "Content-Type": OGG}, 200),
        ({"If-None-Match": "*", "Content-Type": "text/html"}, 403),
        ({"Content-Type": OGG}, 403),
        ({"If-None-Match": "*"}, 403),
        ({}, 403),
    ],
)
def test_condition_and_type_are_signed(emulator: Emulator, bucket: str, headers: dict[str, str], status: int) -> None:
    assert sent(link(emulator, bucket, IfNoneMatch="*"), headers) == status


def test_a_link_is_for_its_key_alone(emulator: Emulator, bucket: str) -> None:
    url = link(emulator, bucket, IfNoneMatch="*").replace(".ogg?", ".mp3?")
    assert sent(url, {"If-None-Match": "*", "Content-Type": OGG}) == 403


def test_a_condition_on_the_version_is_signed(emulator: Emulator, bucket: str) -> None:
    url = link(emulator, bucket, IfMatch='"a"')
    assert sent(url, {"If-Match": '"b"', "Content-Type": OGG}) == 403
    assert sent(url, {"If-Match": '"a"', "Content-Type": OGG}) in {404, 412}


@contextmanager
def a_store(behave: Callable[[socket], None]) -> Iterator[S3Media]:
    """The adapter on an S3 that behaves like this."""
    with answering(behave) as port:
        aws = Aws(a_session(f"http://127.0.0.1:{port}"))
        yield S3Media(aws.s3, "bucket")


@pytest.fixture(autouse=True)
def at_the_end_as_before(emulator: Emulator) -> Iterator[None]:
    """A session names its endpoint in the environment."""
    yield
    a_session(emulator.url)


def put(store: S3Media) -> str:
    return store.put(KEY, repeat(PIECE, PIECES), size_bytes=PIECES * len(PIECE), content_type=OGG)


def says(status: str) -> Callable[[socket], None]:
    """Answers as soon as it has the head, and hangs up in the middle of the body."""

    def behave(connection: socket) -> None:
        read_head(connection)
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        connection.shutdown(SHUT_RDWR)

    return behave


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("412 Precondition Failed", ObjectExists),
        ("409 Conflict", ObjectExists),
        ("403 Forbidden", Unavailable),
        ("307 Temporary Redirect", Unavailable),
        ("429 Slow Down", Unavailable),
        ("503 Slow Down", Unavailable),
        ("200 OK", Unavailable),
    ],
)
def test_an_answer_before_the_end_is_heard(status: str, expected: type[Exception]) -> None:
    with a_store(says(status)) as store, pytest.raises(expected):
        put(store)


def cut(connection: socket) -> None:
    read_head(connection)
    connection.recv(100_000)
    connection.shutdown(SHUT_RDWR)


def babble(connection: socket) -> None:
    read_head(connection)
    connection.sendall(b"what?\r\n\r\n")


@pytest.mark.parametrize("behave", [cut, babble, lambda connection: connection.shutdown(SHUT_RDWR)])
def test_a_connection_that_breaks_is_an_outage(behave: Callable[[socket], None]) -> None:
    with a_store(behave) as store, pytest.raises(Unavailable):
        put(store)


def test_nobody_there_is_an_outage() -> None:
    with a_store(cut) as store:
        pass
    with pytest.raises(Unavailable):
        put(store)


@pytest.mark.parametrize(("status", "expected"), [("404 Not Found", NotFound), ("500 Internal Error", Unavailable)])
def test_a_part_that_is_refused(status: str, expected: type[Exception]) -> None:
    with a_store(says(status)) as store, pytest.raises(expected):
        store.put_part(KEY, "upload", 1, bytes(2**20))


def test_nothing_is_sent_for_a_body_that_fails_at_once() -> None:
    heads: list[bytes] = []

    def all_of(*pieces: bytes) -> Iterator[bytes]:
        yield from pieces
        raise LookupError("nothing came")

    with a_store(lambda connection: heads.append(read_head(connection))) as store, pytest.raises(LookupError):
        store.put(KEY, all_of(), size_bytes=0, content_type=OGG)
    assert heads == []


@pytest.mark.parametrize("head", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_an_object_that_breaks_off_is_an_outage(head: str) -> None:
    def behave(connection: socket) -> None:
        read_head(connection)
        connection.sendall(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n3e8\r\nabc".encode())
        connection.shutdown(SHUT_RDWR)

    with a_store(behave) as store, pytest.raises(Unavailable):
        list(store.read(KEY))


def test_a_reading_that_is_given_up_gives_its_connection_up(emulator: Emulator, bucket: str) -> None:
    client, bodies = emulator.client("s3"), list[Any]()
    media = S3Media(client, bucket)
    media.put(KEY, repeat(PIECE, 64), size_bytes=64 * len(PIECE), content_type=OGG)
    client.meta.events.register("after-call.s3.GetObject", lambda parsed, **_: bodies.append(parsed["Body"]))
    pieces = media.read(KEY)
    assert next(pieces)
    pieces.close()
    with pytest.raises(ResponseStreamingError):
        bodies[0].read(1)
    client.close()
