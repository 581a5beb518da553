"""Hostile metadata: each behaviour of a broken or evil service, and the class of failure that it is."""

from collections.abc import Iterator
from json import dumps
from time import monotonic
from typing import Any, Final

import pytest

from cratekeeper.adapters.provider.answers import NAME_BYTES
from cratekeeper.adapters.provider.client import JSON_BYTES
from cratekeeper.domain.errors import TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper_local.provider.ids import content_id
from tests.contract.landing import ANSWER_S, WINDOW_S, a_provider
from tests.contract.provider_thread import TRACK_ID, Served, serving
from tests.memory.samples import content_id as some_id

ALBUM: Final = content_id("album", "Three Sketches")
ARTIST: Final = content_id("artist", "Sample and Hold")
ONE_ALBUM, TRACKS, ONE_TRACK, ONE_ARTIST = f"/album/{ALBUM}", f"/album/{ALBUM}/tracks", f"/track/{TRACK_ID}", ARTIST
PARSE, CONNECTION, TIMEOUT = ErrorType.PARSE, ErrorType.CONNECTION, ErrorType.TIMEOUT
CORRUPT, UNKNOWN, REJECTED = ErrorType.CORRUPT, ErrorType.UNKNOWN, ErrorType.REJECTED


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def clean(served: Served) -> None:
    served.app.script.clear()


def head(*lines: str, body: str = "") -> dict[str, Any]:
    """An answer as raw text."""
    return {"text": "\r\n".join(["HTTP/1.1 200 OK", *lines, "", body])}


def said(value: object) -> dict[str, Any]:
    """A well delivered answer of this JSON."""
    text = value if isinstance(value, str) else dumps(value)
    return head(f"Content-Length: {len(text)}", body=text)


A_TRACK: Final = {"id": TRACK_ID, "name": "n", "album_id": ALBUM}
AN_ALBUM: Final = {"id": ALBUM, "name": "n", "artists_ids": []}
REFUSED: Final = [
    # JSON that is none, or not what was agreed.
    (ONE_ALBUM, "bad_json", {}, PARSE),
    (ONE_ALBUM, "empty", {}, PARSE),
    (ONE_ALBUM, "html_200", {}, PARSE),
    (ONE_ALBUM, "html_200", {"type": "application/json"}, PARSE),
    (ONE_ALBUM, "json_200", {}, PARSE),
    (ONE_ALBUM, "garbage", {}, PARSE),
    (ONE_ALBUM, "missing_field", {}, PARSE),
    (ONE_ALBUM, "missing_field", {"field": "artists_ids"}, PARSE),
    (ONE_ALBUM, "set_field", {}, PARSE),
    (ONE_ALBUM, "set_field", {"field": "date", "value": 10**30}, PARSE),
    (ONE_ALBUM, "set_field", {"field": "covers", "value": [{"id": "../../etc/passwd"}]}, PARSE),
    (ONE_ALBUM, "set_field", {"field": "id", "value": some_id("another album")}, PARSE),
    (ONE_ALBUM, "set_field", {"field": "discs", "value": [{"tracks": ["short"]}]}, PARSE),
    (TRACKS, "missing_field", {"field": "id"}, PARSE),
    (TRACKS, "set_field", {"field": "id", "value": f"{TRACK_ID}\n"}, PARSE),
    (TRACKS, "set_field", {"field": "album_id", "value": "../x"}, PARSE),
    (TRACKS, "set_field", {"field": "duration", "value": "long"}, PARSE),
    (ONE_TRACK, "set_field", {"field": "id", "value": some_id("another track")}, PARSE),
    (ONE_TRACK, "set_field", {"field": "number", "value": 2**53 + 1}, PARSE),
    (ONE_ARTIST, "set_field", {"field": "id", "value": some_id("another artist")}, PARSE),
    (ONE_TRACK, "raw", said("[]"), PARSE),
    (ONE_TRACK, "raw", said("null"), PARSE),
    (ONE_TRACK, "raw", said("\xff\xfe"), PARSE),
    (ONE_TRACK, "raw", said('{"id": "\\ud800"}'), PARSE),
    (ONE_TRACK, "raw", said({**A_TRACK, "number": 1e400}), PARSE),
    (ONE_TRACK, "raw", said(f'{{"number": {"9" * 10_000}}}'), PARSE),
    # Too much of it.
    (ONE_TRACK, "huge_title", {}, PARSE),
    (ONE_ALBUM, "deep_json", {}, PARSE),
    (ONE_ALBUM, "deep_json", {"depth": 2_000_000}, PARSE),
    (TRACKS, "raw", said("[" + "{}," * 1_000_000 + "{}]"), PARSE),
    (TRACKS, "raw", said([*[A_TRACK] * 20_001]), PARSE),
    (ONE_ALBUM, "raw", said(dumps({**AN_ALBUM, "more": 0})[:-2] + "[" + "[]," * 400_000 + "[]]}"), PARSE),
    (ONE_TRACK, "endless", {}, PARSE),
    # Its delivery.
    (ONE_ALBUM, "gzip_body", {}, CORRUPT),
    (ONE_ALBUM, "gzip_body", {"size_bytes": 8 * 2**20}, CORRUPT),
    (ONE_ALBUM, "truncate", {}, CORRUPT),
    (ONE_ALBUM, "truncate_chunked", {}, CORRUPT),
    (ONE_ALBUM, "close_delimited", {}, PARSE),
    (ONE_ALBUM, "long_content_length", {}, CORRUPT),
    (ONE_ALBUM, "length_and_chunked", {}, CORRUPT),
    (ONE_ALBUM, "hang", {}, TIMEOUT),
    (ONE_ALBUM, "hang", {"keep": 0.5}, TIMEOUT),
    (ONE_ALBUM, "header_drip", {"interval_s": 0.1}, TIMEOUT),
    (ONE_ALBUM, "slow", {}, TIMEOUT),
    (ONE_ALBUM, "reset", {}, CONNECTION),
    (ONE_ALBUM, "reset", {"keep": 0.5}, CONNECTION),
    (ONE_ALBUM, "redirect", {"times": -1}, UNKNOWN),
    (ONE_ALBUM, "redirect", {"to": "http://127.0.0.2:1/"}, REJECTED),
    (ONE_ALBUM, "status", {"code": 599}, CONNECTION),
    (ONE_ALBUM, "status", {"code": 302}, UNKNOWN),
]


@pytest.mark.parametrize(("match", "behaviour", "params", "expected"), REFUSED)
def test_a_hostile_answer_is_classed(
    served: Served, match: str, behaviour: str, params: dict[str, Any], expected: ErrorType
) -> None:
    served.spoil(behaviour, match=match, **params)
    started = monotonic()
    with pytest.raises(TransferFailed) as failure:
        ask(served, match)
    assert failure.value.error_type is expected, failure.value.message
    assert monotonic() - started < ANSWER_S + 5
    assert served.app.script.rows() == [] or params.get("times") == -1


@pytest.mark.parametrize(
    ("match", "behaviour", "params"),
    [
        (ONE_ALBUM, "chunked", {}),
        (ONE_ALBUM, "close_delimited", {"keep": 1}),
        (ONE_ALBUM, "redirect", {"times": 5}),
        (ONE_ALBUM, "deep_json", {"depth": 100}),
        (ONE_ALBUM, "wrong_type", {"type": "text/plain"}),
        (ONE_ALBUM, "set_field", {"field": "extra", "value": {"of": "no use"}}),
        (ONE_ALBUM, "headers", {"headers": [["Set-Cookie", "a=b"], ["X-Long", "x" * 60_000]]}),
        (ONE_ALBUM, "duplicate_tracks", {}),
        (ONE_ALBUM, "repeat_field", {"field": "artists_ids"}),
    ],
)
def test_what_is_only_odd_is_taken(served: Served, match: str, behaviour: str, params: dict[str, Any]) -> None:
    plain = a_provider(str(served.client.base_url)).album(ALBUM)
    served.spoil(behaviour, match=match, **params)
    assert a_provider(str(served.client.base_url)).album(ALBUM) == plain
    assert served.app.script.rows() == []


def test_an_album_of_nothing(served: Served) -> None:
    served.spoil("set_field", match=ONE_ALBUM, field="discs", value=[])
    served.spoil("raw", match=TRACKS, **said("[]"))
    album, tracks = a_provider(str(served.client.base_url)).album(ALBUM)
    assert (album.track_ids, tracks) == ((), ())


def test_an_album_of_five_thousand_tracks(served: Served) -> None:
    rows = [{**A_TRACK, "id": f"{number:022d}", "name": "A title of 30 characters " * 2} for number in range(5_000)]
    served.spoil("raw", match=TRACKS, **said(rows))
    _, tracks = a_provider(str(served.client.base_url), timeout_s=10).album(ALBUM)
    assert [int(track.id) for track in tracks] == [*range(5_000)]


def test_names_are_one_short_line(served: Served) -> None:
    served.spoil("control_chars", match=ONE_TRACK)
    served.spoil("huge_title", match=ONE_TRACK, size_bytes=JSON_BYTES - 1000)
    provider = a_provider(str(served.client.base_url), timeout_s=10)
    assert provider.track(TRACK_ID).name == "../..\\etc X-Evil: 1 [2J name"
    assert provider.track(TRACK_ID).name == "n" * NAME_BYTES


def ask(served: Served, match: str) -> object:
    provider = a_provider(str(served.client.base_url), window_s=WINDOW_S)
    match match:
        case str() if match == ONE_TRACK:
            return provider.track(TRACK_ID)
        case str() if match == ONE_ARTIST:
            return provider.artist(ARTIST)
        case _:
            return provider.album(ALBUM)
