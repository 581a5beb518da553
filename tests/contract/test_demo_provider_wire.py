"""The demo provider over real sockets: HTTP as it should be, and broken as scripted."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from cratekeeper_local.provider.server import Manners
from tests.contract.provider_thread import AUDIO, TRACK_ID, Served, serving
from tests.support.waiting import until

HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as running:
        yield running


def test_a_connection_carries_many_requests(served: Served) -> None:
    client = served.client
    answers = [client.get("/health"), client.head(AUDIO), client.get(AUDIO), client.get("/x")]
    streams = {answer.extensions["network_stream"] for answer in answers}
    assert [answer.status_code for answer in answers] == [200, 200, 200, 404]
    assert len(streams) == 1


def test_head_tells_what_get_sends(served: Served) -> None:
    head, whole = served.client.head(AUDIO), served.get()
    assert (head.headers, head.content) == (whole.headers, b"")
    assert int(head.headers["content-length"]) == len(whole.content)


def test_a_resumed_download_is_the_same_file(served: Served) -> None:
    whole = served.get()
    rest = served.get(Range="bytes=1000-", If_Range=whole.headers["etag"])
    assert rest.status_code == 206
    assert whole.content[:1000] + rest.content == whole.content


def test_requests_may_be_pipelined(served: Served) -> None:
    assert served.raw(HEALTH * 3).count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /health HTTP/1.0\r\n\r\n" + HEALTH,
        b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + HEALTH,
    ],
)
def test_a_connection_closes_when_asked(served: Served, request_bytes: bytes) -> None:
    answer = served.raw(request_bytes)
    assert answer.count(b"HTTP/1.1") == 1
    assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", b"400"),
        (b"POST /__faults HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" + b" " * 1_100_000, b"413"),
    ],
)
def test_what_is_no_request_is_refused(served: Served, sent: bytes, status: bytes) -> None:
    assert served.raw(sent).startswith(b"HTTP/1.1 " + status)


def test_a_client_that_says_nothing_gets_nothing(served: Served) -> None:
    assert served.raw(b"") == b""


@pytest.mark.parametrize("behaviour", ["truncate", "truncate_chunked", "long_content_length"])
def test_a_cut_body_breaks_off(served: Served, behaviour: str) -> None:
    served.spoil(behaviour)
    with pytest.raises(httpx.RemoteProtocolError):
        served.get()
    assert served.get().status_code == 200


@pytest.mark.parametrize(("keep", "share"), [(0.5, 0.5), (1, 1.0)])
def test_a_close_delimited_body_ends_where_it_ends(served: Served, keep: float, share: float) -> None:
    whole = served.get().content
    served.spoil("close_delimited", keep=keep)
    answer = served.get()
    assert "content-length" not in answer.headers
    assert answer.content == whole[: int(len(whole) * share)]


def test_chunks_are_whole(served: Served) -> None:
    whole = served.get().content
    served.spoil("chunked")
    answer = served.get()
    assert (answer.headers["transfer-encoding"], answer.content) == ("chunked", whole)


def test_length_and_chunks_come_together(served: Served) -> None:
    served.spoil("length_and_chunked", match="/health")
    answer = served.raw(HEALTH)
    assert b"Content-Length: 16\r\nTransfer-Encoding: chunked\r\n" in answer
    assert answer.endswith(b"10\r\n" + b'{"status": "ok"}' + b"\r\n0\r\n\r\n")


@pytest.mark.parametrize("keep", [None, 0.5])
def test_a_reset_is_one(served: Served, keep: float | None) -> None:
    served.spoil("reset", keep=keep)
    with pytest.raises(httpx.ReadError):
        served.get()


@pytest.mark.parametrize("keep", [None, 0, 0.5])
def test_a_hang_lasts_until_the_client_leaves(served: Served, keep: float | None) -> None:
    served.spoil("hang", keep=keep)
    with pytest.raises(httpx.ReadTimeout):
        served.get(timeout_s=0.2)
    until(lambda: served.app.counts.audio_now == 0, 5)


def test_a_hang_may_end_by_itself(served: Served) -> None:
    served.spoil("hang", seconds=0.1)
    with pytest.raises(httpx.RemoteProtocolError):
        served.get()


def test_a_head_may_drip(served: Served) -> None:
    served.spoil("header_drip", match="/health", interval_s=0.005)
    started = time.monotonic()
    assert served.get("/health").json() == {"status": "ok"}
    assert time.monotonic() - started > 0.25


def test_a_slow_body_keeps_to_its_rate(served: Served) -> None:
    whole = served.get().content
    served.spoil("slow", rate_bytes_s=len(whole) * 4)
    started = time.monotonic()
    assert served.get().content == whole
    assert 0.2 < time.monotonic() - started < 5


def test_an_endless_body_goes_on(served: Served) -> None:
    served.spoil("endless")
    received = 0
    with served.client.stream("GET", AUDIO) as answer:
        for piece in answer.iter_raw():
            received += len(piece)
            if received > 5_000_000:
                break
    until(lambda: served.app.counts.audio_now == 0, 5)


def test_a_redirect_loop_has_no_end(served: Served) -> None:
    served.spoil("redirect", times=-1)
    with pytest.raises(httpx.TooManyRedirects):
        served.client.get(AUDIO, follow_redirects=True)


def test_five_hops_lead_to_the_answer(served: Served) -> None:
    served.spoil("redirect", times=5)
    answer = served.client.get(AUDIO, follow_redirects=True)
    assert (len(answer.history), answer.headers["content-type"]) == (5, "audio/mpeg")


def test_raw_bytes_are_sent_as_they_are(served: Served) -> None:
    served.spoil("raw", match="/health", text="HTTP/9.9 what\r\n\r\n")
    assert served.raw(HEALTH) == b"HTTP/9.9 what\r\n\r\n"


def test_a_status_without_a_name_can_be_sent(served: Served) -> None:
    served.spoil("status", code=599)
    assert served.get().status_code == 599


def test_bytes_are_counted_as_they_leave(served: Served) -> None:
    whole = served.get().content
    served.client.head(AUDIO)
    served.get(Range="bytes=0-9")
    assert served.app.counts.bytes == {TRACK_ID: len(whole) + 10}
    assert served.app.counts.audio_requests == {TRACK_ID: 2}


def test_a_busy_service_turns_away_all_but_one() -> None:
    with serving(Manners(is_busy=True, rate_bytes_s=2_000)) as served:
        with served.client.stream("GET", AUDIO) as first:
            second = served.get()
            assert served.get("/health").status_code == 200
        assert (first.status_code, second.status_code, second.headers["retry-after"]) == (200, 429, "1")
        until(lambda: served.app.counts.audio_now == 0, 5)
        with served.client.stream("GET", AUDIO) as third:
            assert third.status_code == 200
        assert served.app.counts.audio_max == 1
        assert served.app.counts.audio_refused == {TRACK_ID: 1}


def test_latency_comes_before_every_answer_but_a_controls() -> None:
    with serving(Manners(latency_s=1.0)) as served:
        started = time.monotonic()
        served.get("/__stats")
        assert time.monotonic() - started < 1
        served.get("/health")
        assert time.monotonic() - started > 1


def test_fifty_at_once_take_as_long_as_one() -> None:
    with serving(Manners(rate_bytes_s=20_000)) as served, ThreadPoolExecutor(50) as clients:
        started = time.monotonic()
        answers = list(clients.map(lambda _: served.get(), range(50)))
        elapsed_s = time.monotonic() - started
    assert {len(answer.content) for answer in answers} == {len(answers[0].content)}
    assert served.app.counts.audio_max > 40  # one or the other may begin late
    assert elapsed_s < 10


def test_closing_ends_transfers_midway() -> None:
    with httpx.Client() as client:
        with serving(Manners(rate_bytes_s=1)) as served:
            request = client.build_request("GET", f"{served.client.base_url}{AUDIO}")
            answer = client.send(request, stream=True)
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()
