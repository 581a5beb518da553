"""The script of faults: which requests it hits, and what each behaviour makes of an answer."""

import gzip
import json

import pytest
from pydantic import JsonValue, ValidationError

from cratekeeper_local.provider.faults import Fault
from cratekeeper_local.provider.messages import Answer, Delivery, Ending, Framing
from cratekeeper_local.provider.misbehaviour import BEHAVIOURS
from tests.unit.local.provider_calls import ALBUM_ID, AUDIO, TRACK_ID, Json, an_app, ask, spoil

RANGE = {"range": "bytes=100-"}


def audio(behaviour: str, **params: JsonValue) -> Answer:
    app = an_app()
    spoil(app, AUDIO, behaviour, **params)
    return ask(app, AUDIO)


def metadata(behaviour: str, target: str = f"/album/{ALBUM_ID}", **params: JsonValue) -> Json:
    app = an_app()
    spoil(app, target, behaviour, **params)
    value: Json = json.loads(ask(app, target).body)
    return value


WHOLE = ask(an_app(), AUDIO)


@pytest.mark.parametrize(
    ("match", "hits"),
    [
        (TRACK_ID, {AUDIO, f"/track/{TRACK_ID}"}),
        ("/track/", {AUDIO, f"/track/{TRACK_ID}"}),
        ("/track/*/audio", {AUDIO}),
        (f"/track/{TRACK_ID}", {f"/track/{TRACK_ID}"}),
        ("/nothing", set[str]()),
    ],
)
def test_a_match_is_an_id_a_prefix_or_a_pattern(match: str, hits: set[str]) -> None:
    app = an_app()
    app.script.add([Fault(match=match, behaviour="status", times=-1)])
    targets = (AUDIO, f"/track/{TRACK_ID}", f"/album/{ALBUM_ID}")
    assert {target for target in targets if ask(app, target).status == 500} == hits


def test_a_fault_skips_then_lasts_for_its_times() -> None:
    app = an_app()
    app.script.add([Fault(match="/health", behaviour="status", times=2, skip=1)])
    assert [ask(app, "/health").status for _ in range(5)] == [200, 500, 500, 200, 200]


def test_faults_come_in_order() -> None:
    app = an_app()
    spoil(app, "/health", "status", code=429)
    spoil(app, "/health", "status", code=503)
    assert [ask(app, "/health").status for _ in range(3)] == [429, 503, 200]


def test_a_query_does_not_hide_a_path() -> None:
    app = an_app()
    spoil(app, "/search", "status", code=504)
    assert json.loads(ask(app, "/search?q=ink").body)["code"] == "TIMEOUT"


@pytest.mark.parametrize("behaviour", ["ignore_range", "wrong_content_range"])
def test_faults_of_ranges_wait_for_one(behaviour: str) -> None:
    app = an_app()
    spoil(app, AUDIO, behaviour)
    assert ask(app, AUDIO).body == WHOLE.body
    assert app.script.rows() != []
    ask(app, AUDIO, headers=RANGE)
    assert app.script.rows() == []


def test_controls_add_show_and_clear_faults() -> None:
    app = an_app()
    body = b'[{"match": "/health", "behaviour": "slow", "times": 3, "params": {"rate_bytes_s": 9}}]'
    assert ask(app, "/__faults", method="POST", body=body).status == 200
    ask(app, "/health")
    shown = json.loads(ask(app, "/__faults").body)
    row = {"match": "/health", "behaviour": "slow", "times": 2, "skip": 0, "params": {"rate_bytes_s": 9}}
    assert shown == [row]
    ask(app, "/__faults", method="DELETE")
    assert json.loads(ask(app, "/__faults").body) == []


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"{", "Invalid JSON"),
        (b'[{"match": "/", "behaviour": "melt"}]', "0.behaviour: Value error, one of bad_json"),
        (b'[{"match": "/", "behaviour": "slow", "params": {"rate": 1}}]', "0.params.rate: Extra inputs"),
        (b'[{"match": "", "behaviour": "slow"}]', "0.match: String should have at least 1"),
    ],
)
def test_a_bad_script_is_refused_with_the_place(body: bytes, complaint: str) -> None:
    answer = ask(an_app(), "/__faults", method="POST", body=body)
    assert answer.status == 400
    assert complaint in json.loads(answer.body)["message"]


def test_an_unknown_control_is_404() -> None:
    assert ask(an_app(), "/__nothing").status == 404


def test_unlimited_is_minus_one_and_nothing_below() -> None:
    with pytest.raises(ValidationError):
        Fault(match="/", behaviour="status", times=-2)


@pytest.mark.parametrize(
    ("behaviour", "params", "delivery"),
    [
        ("truncate", {"keep": 0.25}, Delivery(cut_bytes=WHOLE.size_bytes // 4, ending=Ending.CLOSE)),
        (
            "truncate_chunked",
            {},
            Delivery(framing=Framing.CHUNKED, cut_bytes=WHOLE.size_bytes // 2, ending=Ending.CLOSE),
        ),
        (
            "close_delimited",
            {"keep": 1},
            Delivery(framing=Framing.NONE, cut_bytes=WHOLE.size_bytes, ending=Ending.CLOSE),
        ),
        ("chunked", {}, Delivery(framing=Framing.CHUNKED)),
        ("length_and_chunked", {}, Delivery(framing=Framing.BOTH, ending=Ending.CLOSE)),
        ("long_content_length", {}, Delivery(declared_bytes=WHOLE.size_bytes + 1000, ending=Ending.CLOSE)),
        ("slow", {}, Delivery(rate_bytes_s=1)),
        ("header_drip", {"interval_s": 2}, Delivery(drip_s=2)),
        (
            "hang",
            {"seconds": 5},
            Delivery(has_head=False, cut_bytes=WHOLE.size_bytes // 2, ending=Ending.HANG, hang_s=5),
        ),
        ("reset", {"keep": 0}, Delivery(cut_bytes=0, ending=Ending.RESET)),
        ("raw", {"text": "é\r\n"}, Delivery(raw=b"\xe9\r\n", ending=Ending.CLOSE)),
    ],
)
def test_faults_of_delivery_leave_the_answer_right(
    behaviour: str, params: dict[str, JsonValue], delivery: Delivery
) -> None:
    answer = audio(behaviour, **params)
    assert answer.delivery == delivery
    assert (answer.status, answer.headers, answer.body) == (200, WHOLE.headers, WHOLE.body)


def test_status_may_ask_for_patience() -> None:
    answer = audio("status", code=503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT")
    assert (answer.status, answer.header("Retry-After")) == (503, "Wed, 21 Oct 2026 07:28:00 GMT")
    assert audio("status").header("Retry-After") is None


@pytest.mark.parametrize(
    ("behaviour", "params", "content_type", "body"),
    [
        ("shortened", {"keep": 0.1}, "audio/mpeg", WHOLE.body[: WHOLE.size_bytes // 10]),
        ("empty", {}, "audio/mpeg", b""),
        ("wrong_type", {}, "application/octet-stream", WHOLE.body),
        ("wrong_type", {"type": "audio/flac"}, "audio/flac", WHOLE.body),
    ],
)
def test_faults_of_content(behaviour: str, params: dict[str, JsonValue], content_type: str, body: bytes) -> None:
    answer = audio(behaviour, **params)
    assert (answer.status, answer.header("Content-Type"), answer.body) == (200, content_type, body)


@pytest.mark.parametrize(
    ("behaviour", "start"),
    [("html_200", b"<!DOCTYPE html>"), ("json_200", b'{"error": "SERVICE_UNAVAILABLE"')],
)
def test_error_pages_may_come_as_success_under_any_type(behaviour: str, start: bytes) -> None:
    answer = audio(behaviour, type="audio/mpeg")
    assert (answer.status, answer.header("Content-Type")) == (200, "audio/mpeg")
    assert answer.body.startswith(start)


def test_garbage_has_the_right_length_and_no_magic() -> None:
    garbage = audio("garbage").body
    assert (len(garbage), garbage[:4]) == (WHOLE.size_bytes, b"\x07\x9e\x3b\xd4")
    assert len(audio("garbage", size_bytes=10**6).body) == 10**6


def test_gzip_body_unpacks_to_the_body_or_to_a_bomb() -> None:
    answer = audio("gzip_body")
    assert answer.header("Content-Encoding") == "gzip"
    assert gzip.decompress(answer.body) == WHOLE.body
    bomb = audio("gzip_body", size_bytes=10**7)
    assert bomb.size_bytes < 20_000
    assert len(gzip.decompress(bomb.body)) == 10**7


def test_redirect_goes_to_the_same_url_unless_told() -> None:
    assert (audio("redirect").status, audio("redirect").header("Location")) == (302, AUDIO)
    assert audio("redirect", to="http://169.254.0.1/", code=307).header("Location") == "http://169.254.0.1/"


def test_more_headers_are_added_also_twice_the_same() -> None:
    answer = audio("headers", headers=[["X-A", "1"], ["X-A", "2"]])
    assert answer.headers[-2:] == (("X-A", "1"), ("X-A", "2"))


def test_a_changed_etag_comes_with_changed_bytes() -> None:
    answer = audio("etag_change")
    assert answer.header("ETag") != WHOLE.header("ETag")
    assert answer.body != WHOLE.body


def test_an_ignored_range_gives_the_whole() -> None:
    app = an_app()
    spoil(app, AUDIO, "ignore_range")
    answer = ask(app, AUDIO, headers=RANGE)
    assert (answer.status, answer.body) == (200, WHOLE.body)


def test_a_wrong_content_range_lies_about_place_or_size() -> None:
    app = an_app()
    spoil(app, AUDIO, "wrong_content_range")
    spoil(app, AUDIO, "wrong_content_range", shift=0, total=7)
    last, total = WHOLE.size_bytes - 1, WHOLE.size_bytes
    seen = [ask(app, AUDIO, headers=RANGE).header("Content-Range") for _ in range(2)]
    assert seen == [f"bytes 101-{last + 1}/{total}", f"bytes 100-{last}/7"]


def test_endless_repeats_the_body() -> None:
    answer = audio("endless")
    assert answer.delivery.framing is Framing.CHUNKED
    assert answer.content.read(answer.start, WHOLE.size_bytes * 2) == WHOLE.body * 2
    assert audio("endless", size_bytes=10).delivery.declared_bytes == 10
    assert audio("endless", rate_bytes_s=7).delivery.rate_bytes_s == 7


def test_bad_json_does_not_parse() -> None:
    with pytest.raises(json.JSONDecodeError):
        metadata("bad_json")


@pytest.mark.parametrize("target", [f"/album/{ALBUM_ID}", f"/album/{ALBUM_ID}/tracks"])
def test_a_field_goes_missing_in_every_row(target: str) -> None:
    spoiled = metadata("missing_field", target, field="id")
    rows = spoiled if isinstance(spoiled, list) else [spoiled]
    assert all("id" not in row and "name" in row for row in rows)


def test_a_field_takes_any_value() -> None:
    assert metadata("set_field", field="covers", value=[{"id": 3}])["covers"] == [{"id": 3}]


def test_a_listed_thing_comes_twice() -> None:
    covers = metadata("repeat_field", field="covers")["covers"]
    assert len(covers) == 2
    assert covers[0] == covers[1]
    assert metadata("repeat_field", field="name")["name"] == "Three Sketches"


def test_names_may_be_huge_or_nasty() -> None:
    assert len(metadata("huge_title")["name"]) == 10 * 2**20
    assert {"\x00", "\r", "/", "\u202e"} <= set(metadata("control_chars")["name"])


@pytest.mark.parametrize("target", [f"/album/{ALBUM_ID}", f"/album/{ALBUM_ID}/tracks"])
def test_tracks_come_twice(target: str) -> None:
    spoiled = metadata("duplicate_tracks", target)
    ids = [row["id"] for row in spoiled] if isinstance(spoiled, list) else spoiled["discs"][0]["tracks"]
    assert len(ids) == 6
    assert len(set(ids)) == 3


def test_deep_json_nests_and_stays_json() -> None:
    assert metadata("deep_json", depth=50)["extra"] == json.loads("[" * 50 + "]" * 50)
    app = an_app()
    spoil(app, ALBUM_ID, "deep_json")
    with pytest.raises(RecursionError):
        json.loads(ask(app, f"/album/{ALBUM_ID}").body)


def test_a_fault_of_metadata_says_so_when_it_meets_audio() -> None:
    answer = audio("missing_field")
    assert (answer.status, json.loads(answer.body)["message"]) == (500, "missing_field is for answers in JSON")


def test_an_error_can_be_spoiled_too() -> None:
    app = an_app()
    spoil(app, "/album/", "html_200")
    assert ask(app, f"/album/{'0' * 22}").status == 200


def test_every_behaviour_answers_something() -> None:
    for behaviour in BEHAVIOURS:
        app = an_app()
        spoil(app, f"/album/{ALBUM_ID}", behaviour)
        assert ask(app, f"/album/{ALBUM_ID}").status in {200, 302, 500}
