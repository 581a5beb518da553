"""Reading pieces as a file, and what that costs in memory."""

import sys
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper.domain.media import Inspector
from cratekeeper.domain.media.stream import WINDOW, Steps, Stream, check_start
from cratekeeper.domain.media.types import CorruptMedia
from tests.unit.domain.media.samples import sample
from tests.unit.domain.media.verdict import put

MIB = 1 << 20


def run(steps: Steps[object], stream: Stream, pieces: Iterable[bytes]) -> object:
    """Feed the pieces to the parser; what it returns."""
    rest = iter(pieces)
    try:
        while True:
            next(steps)
            piece = next(rest, None)
            stream.end() if piece is None else stream.push(piece)
    except StopIteration as done:
        return done.value


def split(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


@given(body=st.binary(max_size=60), size=st.integers(1, 9), first=st.integers(0, 70), then=st.integers(0, 70))
def test_reads_are_those_of_a_file(body: bytes, size: int, first: int, then: int) -> None:
    stream = Stream(is_framed=True)

    def steps() -> Steps[tuple[bytes, bytes, bytes]]:
        return (yield from stream.read(first)), (yield from stream.peek(then)), (yield from stream.read(then))

    expected = body[first : first + then]
    assert run(steps(), stream, split(body, size)) == (body[:first], expected, expected)
    assert stream.offset == len(body[: first + then])


@given(body=st.binary(max_size=60), size=st.integers(1, 9), skipped=st.integers(0, 70))
def test_a_skip_reaches_its_goal_or_says_where_the_body_ends(body: bytes, size: int, skipped: int) -> None:
    stream = Stream(is_framed=True)

    def steps() -> Steps[bytes]:
        yield from stream.peek(1)
        yield from stream.skip(skipped)
        return (yield from stream.read(60))

    if skipped > len(body):
        with pytest.raises(CorruptMedia, match=f"cut short after {len(body)} bytes"):
            run(steps(), stream, split(body, size))
    else:
        assert run(steps(), stream, split(body, size)) == body[skipped:]


@given(body=st.text("ab", max_size=40), size=st.integers(1, 9), pattern=st.sampled_from(["b", "ba", "abba"]))
def test_a_pattern_is_found_wherever_the_pieces_were_cut(body: str, size: int, pattern: str) -> None:
    stream = Stream(is_framed=True)

    def steps() -> Steps[tuple[bool, int, bytes]]:
        found = yield from stream.seek(pattern.encode())
        at = stream.offset
        return found, at, (yield from stream.read(len(pattern)))

    at = body.find(pattern)
    expected = (True, at, pattern.encode()) if at >= 0 else (False, len(body), b"")
    assert run(steps(), stream, split(body.encode(), size)) == expected


def test_a_pattern_across_two_windows_is_found() -> None:
    stream, body = Stream(is_framed=True), bytes(WINDOW - 1) + b"ab" + bytes(WINDOW)
    assert run(stream.seek(b"ab"), stream, [body]) is True
    assert stream.offset == WINDOW - 1


def test_a_take_is_whole_or_corrupt() -> None:
    stream = Stream(is_framed=True)
    assert run(stream.take(3), stream, [b"ab", b"", b"cd"]) == b"abc"
    with pytest.raises(CorruptMedia, match="cut short after 4 bytes"):
        run(stream.take(2), stream, [])


def test_a_start_is_compared_where_the_signature_stands() -> None:
    check_start(b"....ftypM4A ", b"ftyp", "MP4 ftyp", at=4)
    with pytest.raises(CorruptMedia, match="no RIFF header at the start but b'<html>'"):
        check_start(b"<html>", b"RIFF", "RIFF header")


@pytest.mark.parametrize(
    ("name", "content_type"), [("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("jpeg", "image/jpeg")]
)
@pytest.mark.parametrize("piece_bytes", [1000, 64 * 1024, MIB])
def test_memory_is_flat_in_the_size_of_the_file(name: str, content_type: str, piece_bytes: int) -> None:
    body, piece, count = sample(name), bytes(piece_bytes), 16 * MIB // piece_bytes
    if name == "wav":  # Of the others the file ends first, and the rest follows it.
        body = put(body, 4, (len(body) + count * piece_bytes - 8).to_bytes(4, "little"))
    inspector = Inspector(content_type, declared_length=len(body) + count * piece_bytes, complete_by_framing=True)
    tracemalloc.start()
    try:
        for number in range(count + 1):
            inspector.feed(piece if number else body)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert inspector.finish().size_bytes == len(body) + count * piece_bytes
    assert peak_bytes <= 128 * 1024


def test_an_inspector_lets_go_of_every_piece() -> None:
    for name, content_type in (("wav", "audio/wav"), ("jpeg", "image/jpeg"), ("ogg-opus", "audio/ogg")):
        inspector = Inspector(content_type, declared_length=None, complete_by_framing=True)
        piece = sample(name)[:-20]
        owners = sys.getrefcount(piece)
        inspector.feed(piece)
        assert sys.getrefcount(piece) == owners
