"""Hostile search results and discographies."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from cratekeeper.adapters.provider import HttpProvider
from cratekeeper.adapters.provider.answers import NAME_BYTES
from cratekeeper.domain.discovery import Found, Subject
from cratekeeper.domain.errors import TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper_local.provider.ids import content_id
from tests.contract.landing import a_provider
from tests.contract.provider_thread import Served, serving
from tests.contract.test_provider_metadata import said
from tests.memory.samples import content_id as some_id

ARTIST: Final = content_id("artist", "Sample and Hold")
DISCOGRAPHY: Final = f"/artist/{ARTIST}/discography"
A_RESULT: Final = {"id": some_id("a result"), "type": "album", "name": "n"}
AN_ARTIST: Final = {"id": ARTIST, "type": "artist", "name": "n"}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as running:
        yield running


@pytest.fixture
def provider(served: Served) -> HttpProvider:
    served.app.script.clear()
    return a_provider(str(served.client.base_url), timeout_s=5)


def found(provider: HttpProvider, served: Served, *results: object) -> tuple[Found, ...]:
    """What a search makes of these results."""
    served.spoil("raw", match="/search", **said([*results]))
    return provider.search("x", subjects=[Subject.ALBUM, Subject.TRACK], limit=3)


BAD: Final[list[Any]] = [
    {"id": "short", "type": "album", "name": "n"},
    {**A_RESULT, "id": f"{A_RESULT['id']}\n"},
    {**A_RESULT, "type": "playlist"},
    {"id": A_RESULT["id"], "type": "album"},
    {**A_RESULT, "year": 2**60},
    {**A_RESULT, "artist_name": 7},
    "a result",
]


@pytest.mark.parametrize("result", BAD, ids=str)
def test_a_result_that_is_none_is_a_parse_error(provider: HttpProvider, served: Served, result: object) -> None:
    with pytest.raises(TransferFailed) as failure:
        found(provider, served, A_RESULT, result)
    assert failure.value.error_type is ErrorType.PARSE


def test_results_are_once_and_of_what_was_asked_for_and_no_more_than_that(
    provider: HttpProvider, served: Served
) -> None:
    others = [{**A_RESULT, "id": some_id(f"{number}")} for number in range(5)]
    results = found(provider, served, A_RESULT, AN_ARTIST, A_RESULT, {**A_RESULT, "type": "track"}, *others)
    assert [(each.id, each.subject) for each in results] == [
        (A_RESULT["id"], Subject.ALBUM),
        (A_RESULT["id"], Subject.TRACK),
        (others[0]["id"], Subject.ALBUM),
    ]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//host/x", "ftp://host/x", "http://", "http://h/\u00e9", "http://[", "h" * 3000, ""]
)
def test_a_picture_that_no_page_may_show_is_left_out(provider: HttpProvider, served: Served, url: str) -> None:
    assert found(provider, served, {**A_RESULT, "image_url": url})[0].image_url is None


def test_texts_are_one_short_line(provider: HttpProvider, served: Served) -> None:
    [result] = found(provider, served, {**A_RESULT, "name": "a\r\nb", "artist_name": "c" * 5000, "year": None})
    assert (result.name, result.artist_name, result.year) == ("a b", "c" * NAME_BYTES, None)


def test_a_discography_lists_albums_alone_and_each_once(provider: HttpProvider, served: Served) -> None:
    albums = [A_RESULT, {**A_RESULT, "type": "track"}, AN_ARTIST, A_RESULT]
    served.spoil("raw", match=DISCOGRAPHY, **said({"artist": AN_ARTIST, "albums": albums}))
    answer = provider.discography(ARTIST)
    assert (answer.artist.id, [each.id for each in answer.albums]) == (ARTIST, [A_RESULT["id"]])


@pytest.mark.parametrize(
    "answer",
    [
        {"artist": {**AN_ARTIST, "id": some_id("another")}, "albums": []},
        {"artist": AN_ARTIST},
        {"albums": []},
        [],
    ],
    ids=str,
)
def test_a_discography_that_is_none_is_a_parse_error(provider: HttpProvider, served: Served, answer: object) -> None:
    served.spoil("raw", match=DISCOGRAPHY, **said(answer))
    with pytest.raises(TransferFailed) as failure:
        provider.discography(ARTIST)
    assert failure.value.error_type is ErrorType.PARSE


def test_a_search_that_is_silent_times_out(provider: HttpProvider, served: Served) -> None:
    del provider
    served.spoil("hang", match="/search")
    with pytest.raises(TransferFailed) as failure:
        a_provider(str(served.client.base_url), timeout_s=0.3).search("x", subjects=[Subject.ALBUM], limit=1)
    assert failure.value.error_type is ErrorType.TIMEOUT
