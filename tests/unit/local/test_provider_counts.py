"""The provider's own counts."""

import json

from cratekeeper_local.provider.counts import Counts
from cratekeeper_local.provider.messages import Request
from tests.unit.local.provider_calls import ALBUM_ID, AUDIO, TRACK_ID, an_app, ask


def test_requests_are_counted_by_path_without_query_and_controls() -> None:
    app = an_app()
    for target in ("/search?q=a", "/search?q=b", f"/album/{ALBUM_ID}", "/nowhere", "/__stats"):
        ask(app, target)
    assert app.counts.requests == {"/search": 2, f"/album/{ALBUM_ID}": 1, "/nowhere": 1}


def test_downloads_at_once_are_counted_with_their_maximum() -> None:
    counts = Counts()
    with counts.audio("a"), counts.audio("b"):
        pass
    with counts.audio("a"):
        assert counts.audio_now == 1
    assert (counts.audio_max, counts.audio_requests) == (2, {"a": 2, "b": 1})


def test_one_turned_away_is_told_when_to_come_again() -> None:
    app = an_app()
    answer = app.turn_away(Request("GET", AUDIO), TRACK_ID)
    assert (answer.status, answer.header("Retry-After")) == (429, "1")
    assert json.loads(answer.body)["code"] == "TOO_MANY_REQUESTS"
    stats = json.loads(ask(app, "/__stats").body)
    assert stats["audio_refused"] == stats["audio_requests"] == {TRACK_ID: 1}
    assert stats["requests"] == {AUDIO: 1}


def test_a_reset_forgets_all_but_what_runs() -> None:
    app = an_app()
    with app.counts.audio("a"):
        with app.counts.audio("b"):
            ask(app, "/health")
        ask(app, "/__stats/reset", method="POST")
        stats = json.loads(ask(app, "/__stats").body)
    assert stats == {
        "requests": {},
        "audio_requests": {},
        "audio_refused": {},
        "audio_now": 1,
        "audio_max": 1,
        "bytes": {},
    }
