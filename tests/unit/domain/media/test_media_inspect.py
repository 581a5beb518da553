"""What holds for every format."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratekeeper.domain.media import MEDIA_TYPES, CorruptMedia, Inspected, Inspector
from tests.unit.domain.media.samples import CONTENT_TYPES, NO_END, sample
from tests.unit.domain.media.verdict import put, refusal, refusal_of

SAMPLES = list(CONTENT_TYPES)
WITH_END = [name for name in SAMPLES if name not in NO_END]
# There are 18 samples: a tenth of the examples for each is still nearly twice as many in all.
tenth = settings(max_examples=settings().max_examples // 10)
PAGES = (
    b"<!DOCTYPE html><html><body>Service unavailable</body></html>" * 20,
    b'{"error": "NOT_FOUND", "code": "NOT_FOUND", "message": "no such track"}' * 20,
)


def pieces(body: bytes, cuts: list[int]) -> Iterator[bytes]:
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return (body[start:end] for start, end in pairwise(edges))


@pytest.mark.case("F-04")
@pytest.mark.parametrize("name", SAMPLES)
def test_a_valid_file_is_accepted(name: str) -> None:
    body, content_type = sample(name), CONTENT_TYPES[name]
    inspector = Inspector(content_type, declared_length=len(body), complete_by_framing=True)
    inspector.feed(body)
    assert inspector.finish() == Inspected(content_type, len(body), MEDIA_TYPES[content_type].extension)
    assert refusal(content_type, body, is_framed=True) is None


@pytest.mark.parametrize("name", WITH_END)
def test_its_own_end_completes_a_body_that_nothing_delimits(name: str) -> None:
    assert refusal(CONTENT_TYPES[name], sample(name), is_framed=False) is None


@pytest.mark.parametrize("name", NO_END)
def test_without_any_end_a_body_is_refused(name: str) -> None:
    assert "its end is unknown" in str(refusal(CONTENT_TYPES[name], sample(name), is_framed=False))


def test_a_declared_length_is_framing() -> None:
    body = sample("aac")
    inspector = Inspector("audio/aac", declared_length=len(body), complete_by_framing=False)
    inspector.feed(body)
    assert inspector.finish().size_bytes == len(body)


@pytest.mark.parametrize("name", SAMPLES)
@tenth
@given(cuts=st.lists(st.integers(0, 10**6), max_size=8), is_framed=st.booleans(), kept=st.integers(0, 10**6))
def test_the_cut_into_pieces_never_changes_the_verdict(name: str, cuts: list[int], is_framed: bool, kept: int) -> None:
    whole, content_type = sample(name), CONTENT_TYPES[name]
    for body in (whole, whole[: kept % len(whole)]):
        expected = refusal(content_type, body, is_framed=is_framed)
        assert refusal_of(content_type, pieces(body, cuts), is_framed=is_framed) == expected


@pytest.mark.parametrize("name", SAMPLES)
def test_single_bytes_are_pieces_too(name: str) -> None:
    body = sample(name)
    assert refusal_of(CONTENT_TYPES[name], (body[at : at + 1] for at in range(len(body)))) is None


@pytest.mark.case("F-04")
@pytest.mark.parametrize("name", SAMPLES)
@tenth
@given(kept=st.integers(0, 10**6))
def test_a_cut_body_that_nothing_delimits_is_corrupt(name: str, kept: int) -> None:
    body = sample(name)
    assert refusal(CONTENT_TYPES[name], body[: kept % len(body)], is_framed=False)
    assert refusal(CONTENT_TYPES[name], body[: -1 - kept % 40], is_framed=False)


@pytest.mark.parametrize("name", [name for name in WITH_END if name != "m4a-fragments"])
@tenth
@given(kept=st.integers(0, 10**6))
def test_a_cut_shows_in_the_structure_even_if_framing_hides_it(name: str, kept: int) -> None:
    body = sample(name)
    assert refusal(CONTENT_TYPES[name], body[: kept % len(body)], is_framed=True)


@pytest.mark.parametrize("name", WITH_END)
def test_nothing_may_follow_the_end_of_a_body_that_nothing_delimits(name: str) -> None:
    body, content_type = sample(name) + b"123456789", CONTENT_TYPES[name]
    assert refusal(content_type, body, is_framed=False)
    assert refusal_of(content_type, [body[:-9], *(bytes((digit,)) for digit in b"123456789")], is_framed=False)


@pytest.mark.parametrize("name", ["ogg-opus", "mp3", "wav", "jpeg", "png", "webp"])
def test_framing_vouches_for_what_follows_the_end(name: str) -> None:
    assert refusal(CONTENT_TYPES[name], sample(name) + b"appended by a tool", is_framed=True) is None


@pytest.mark.case("F-04")
@pytest.mark.parametrize("content_type", MEDIA_TYPES)
@pytest.mark.parametrize("page", PAGES, ids=["html", "json"])
def test_a_page_is_refused_with_its_first_bytes(content_type: str, page: bytes) -> None:
    inspector = Inspector(content_type, declared_length=None, complete_by_framing=True)
    with pytest.raises(CorruptMedia) as caught:
        inspector.feed(page[:64])
    assert repr(page[:2])[:-1] in str(caught.value)


@pytest.mark.parametrize("content_type", MEDIA_TYPES)
@pytest.mark.parametrize("name", SAMPLES)
def test_content_of_another_type_is_refused(name: str, content_type: str) -> None:
    is_its_own = CONTENT_TYPES[name] == content_type
    assert (refusal(content_type, sample(name)) is None) == is_its_own


@pytest.mark.case("F-04")
@pytest.mark.parametrize("content_type", MEDIA_TYPES)
@tenth
@given(body=st.binary(max_size=2000), is_framed=st.booleans())
def test_random_bytes_are_never_accepted(content_type: str, body: bytes, is_framed: bool) -> None:
    assert refusal(content_type, body, is_framed=is_framed)


@pytest.mark.parametrize("name", SAMPLES)
@tenth
@given(
    at=st.integers(0, 10**6),
    new=st.binary(min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 10**6), max_size=3),
    is_framed=st.booleans(),
)
def test_damage_raises_nothing_but_corrupt_media(
    name: str, at: int, new: bytes, cuts: list[int], is_framed: bool
) -> None:
    body, content_type = sample(name), CONTENT_TYPES[name]
    # Half of the damage goes to the first 200 bytes, where the headers are.
    for place in (at % len(body), at % 200):
        damaged = put(body, place, new)
        expected = refusal(content_type, damaged, is_framed=is_framed)
        assert refusal_of(content_type, pieces(damaged, cuts), is_framed=is_framed) == expected


@pytest.mark.case("F-04")
@pytest.mark.parametrize("content_type", MEDIA_TYPES)
def test_an_empty_body_is_corrupt(content_type: str) -> None:
    assert refusal_of(content_type, []) == "empty body"
    assert refusal_of(content_type, [b"", b""]) == "empty body"


@pytest.mark.case("F-07")
def test_a_byte_more_than_declared_is_refused_when_it_comes() -> None:
    body = sample("wav")
    inspector = Inspector("audio/wav", declared_length=len(body) - 1, complete_by_framing=True)
    inspector.feed(body[:-1])
    with pytest.raises(CorruptMedia, match=f"more than the declared {len(body) - 1} bytes"):
        inspector.feed(body[-1:])


@pytest.mark.case("F-07")
def test_a_byte_less_than_declared_is_refused_at_the_end() -> None:
    body = sample("mp3")
    inspector = Inspector("audio/mpeg", declared_length=len(body) + 1, complete_by_framing=True)
    inspector.feed(body)
    with pytest.raises(CorruptMedia, match=f"{len(body)} of {len(body) + 1} declared bytes"):
        inspector.finish()


def test_a_refused_body_stays_refused() -> None:
    inspector = Inspector("audio/wav", declared_length=10**6, complete_by_framing=True)
    with pytest.raises(CorruptMedia) as first:
        inspector.feed(PAGES[0])
    with pytest.raises(CorruptMedia) as again:
        inspector.feed(sample("wav"))
    with pytest.raises(CorruptMedia) as finally_:
        inspector.finish()
    assert str(first.value) == str(again.value) == str(finally_.value)


def test_a_type_that_may_not_be_stored_is_refused_before_the_first_byte() -> None:
    with pytest.raises(CorruptMedia, match="image/png is no audio type"):
        Inspector("image/png; q=1", declared_length=5, complete_by_framing=True, kind="audio")
    with pytest.raises(CorruptMedia, match="text/html is no media type"):
        Inspector("text/html", declared_length=None, complete_by_framing=False)
