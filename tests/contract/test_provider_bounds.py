"""What an exchange with the provider may take: time, rate, and the wish to end it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from socket import socket
from threading import Thread, Timer
from time import monotonic, sleep

import pytest

from cratekeeper.adapters.provider import HttpProvider
from cratekeeper.adapters.provider.exchange import trusted
from cratekeeper.domain.errors import LeaseLost, TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.retry import Counts, Failure, GiveUp, RetryAt, RetryPolicy
from tests.contract.emulator import a_free_port
from tests.contract.landing import CLOCK, WINDOW_S, Landing, a_provider
from tests.contract.provider_thread import TRACK_ID, Served, serving
from tests.contract.sockets import a_certificate, answering, deaf, read_head
from tests.memory.samples import wav
from tests.memory.virtual import VirtualClock

AT_ONCE_S = 5.0
"""What "at once" may take on a busy machine; the patience of these tests is twenty seconds."""

WAV = wav("over a socket", 100_000)
HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: {len(WAV)}\r\n\r\n".encode()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def clean(served: Served) -> None:
    served.app.script.clear()


def read(provider: HttpProvider, *, deadline_s: float = 20.0) -> bytes:
    with provider.audio(TRACK_ID, deadline_s=deadline_s) as body:
        return b"".join(body.chunks())


def failure_of(provider: HttpProvider, *, deadline_s: float = 20.0) -> TransferFailed:
    with pytest.raises(TransferFailed) as raised:
        read(provider, deadline_s=deadline_s)
    return raised.value


def aborted(provider: HttpProvider) -> float:
    """How long a download lasted that another thread ended after 0.2 seconds."""
    started = monotonic()
    with provider.audio(TRACK_ID, deadline_s=20) as body:
        Timer(0.2, body.abort, [LeaseLost("an item")]).start()
        with pytest.raises(LeaseLost):
            list(body.chunks())
    return monotonic() - started


@pytest.mark.case("F-01")
@pytest.mark.parametrize(
    "host",
    [pytest.param(f"127.0.0.1:{a_free_port()}", id="free port"), "nobody.invalid", "a" * 70, "a..b", "[::1]:1"],
)
def test_nobody_there_is_a_connection_failure(host: str) -> None:
    assert failure_of(a_provider(f"http://{host}")).error_type is ErrorType.CONNECTION


@pytest.mark.parametrize("stage", ["connecting", "in the head", "in the body"])
def test_an_abort_ends_it_at_once_wherever_it_is(served: Served, stage: str) -> None:
    elsewhere: AbstractContextManager[int | None] = deaf() if stage == "connecting" else nullcontext()
    served.spoil("hang", keep=0.5 if stage == "in the body" else None)
    with elsewhere as port:
        provider = HttpProvider(f"http://127.0.0.1:{port}" if port else str(served.client.base_url), clock=CLOCK)
        assert 0.2 <= aborted(provider) < 0.2 + AT_ONCE_S


@pytest.mark.parametrize("stage", ["connecting", "in the head", "in the body"])
def test_a_deadline_holds_wherever_it_is(served: Served, stage: str) -> None:
    elsewhere: AbstractContextManager[int | None] = deaf() if stage == "connecting" else nullcontext()
    served.spoil("hang", keep=0.5 if stage == "in the body" else None)
    with elsewhere as port:
        provider = HttpProvider(f"http://127.0.0.1:{port}" if port else str(served.client.base_url), clock=CLOCK)
        started = monotonic()
        assert failure_of(provider, deadline_s=0.3).error_type is ErrorType.TIMEOUT
    assert 0.3 <= monotonic() - started < 0.3 + AT_ONCE_S


def test_all_hops_of_a_redirect_share_one_deadline(served: Served) -> None:
    served.spoil("redirect", times=4)
    served.spoil("hang")
    started = monotonic()
    assert failure_of(a_provider(str(served.client.base_url)), deadline_s=0.5).error_type is ErrorType.TIMEOUT
    assert monotonic() - started < 0.5 + AT_ONCE_S


@pytest.mark.parametrize("stage", ["in the head", "in the body"])
def test_a_lost_lease_ends_the_transfer_at_once(served: Served, stage: str) -> None:
    served.spoil("hang", keep=0.5 if stage == "in the body" else None)
    landing = Landing(url=str(served.client.base_url), timeout_s=20)
    lease = landing.lease(TRACK_ID)

    def lose() -> None:
        sleep(0.2)
        landing.lease(TRACK_ID)  # another worker's claim
        lease.beat()

    heart = Thread(target=lose)
    started = monotonic()
    heart.start()
    with pytest.raises(LeaseLost):
        landing.carry(lease)
    heart.join()
    assert 0.2 <= monotonic() - started < 0.2 + AT_ONCE_S


@pytest.mark.case("F-02")
def test_a_track_that_never_comes_does_not_hold_its_siblings(served: Served) -> None:
    served.spoil("hang", times=1)
    first, second = (Landing(url=str(served.client.base_url), timeout_s=3) for _ in range(2))
    failures: list[BaseException] = []

    def wait() -> None:
        try:
            first.land(TRACK_ID)
        except TransferFailed as failure:
            failures.append(failure)

    waiting = Thread(target=wait)
    started = monotonic()
    waiting.start()
    while served.app.script.rows():
        sleep(0.01)
    second.stored(second.land(TRACK_ID))
    assert waiting.is_alive()
    waiting.join()
    assert 3 <= monotonic() - started < 3 + AT_ONCE_S
    assert [getattr(each, "error_type", None) for each in failures] == [ErrorType.TIMEOUT]


def test_a_slow_taker_is_not_the_providers_fault(served: Served) -> None:
    served.spoil("slow", rate_bytes_s=10_000)
    with a_provider(str(served.client.base_url), window_s=WINDOW_S).audio(TRACK_ID, deadline_s=20) as body:
        received = 0
        for number, chunk in enumerate(body.chunks()):
            received += len(chunk)
            sleep(2.5 * WINDOW_S if number == 0 else 0)
    assert received == body.length


def test_a_pause_within_the_rate_is_borne(served: Served) -> None:
    served.spoil("slow", rate_bytes_s=8_000)
    assert len(read(a_provider(str(served.client.base_url), window_s=WINDOW_S))) > 8_000


LATER = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("9" * 400, 1e9),
        (format_datetime(LATER, usegmt=True), 300.0),
        ("Saturday, 21-Nov-26 08:05:00 GMT", 300.0),
        ("Sat Nov 21 08:05:00 2026", 300.0),
        (format_datetime(LATER - timedelta(hours=1), usegmt=True), -3300.0),
        ("1.5", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("\xb2", None),
        ("Sat, 99 Nov 2026 08:05:00 GMT", None),
        ("Sat, 21 Nov 2026 08:05:00 +99999999999999", None),
    ],
)
@pytest.mark.parametrize("code", [429, 503])
def test_when_to_come_back(served: Served, code: int, text: str, seconds: float | None) -> None:
    served.spoil("status", code=code, retry_after=text)
    failure = failure_of(HttpProvider(str(served.client.base_url), clock=VirtualClock()))
    assert (failure.error_type, failure.retry_after_s) == (ErrorType.BUSY, seconds)


@pytest.mark.case("R-15")
@pytest.mark.parametrize(
    ("code", "expected", "follows"),
    [
        *((code, ErrorType.REJECTED, GiveUp) for code in (400, 401, 403, 405)),
        *((code, ErrorType.NOT_FOUND, GiveUp) for code in (404, 410)),
        *((code, ErrorType.CONNECTION, RetryAt) for code in (500, 502, 503, 507, 599)),
        (504, ErrorType.TIMEOUT, RetryAt),
        (429, ErrorType.BUSY, RetryAt),
        *((code, ErrorType.UNKNOWN, RetryAt) for code in (402, 406, 409, 416, 418, 451)),
    ],
)
def test_what_follows_a_status(served: Served, code: int, expected: ErrorType, follows: type) -> None:
    served.spoil("status", code=code)
    failure = failure_of(a_provider(str(served.client.base_url)))
    decision = RetryPolicy().decide(
        Failure(failure.error_type, failure.retry_after_s), Counts(), max_retries=5, now=CLOCK.now(), dice=0.5
    )
    assert (failure.error_type, type(decision)) == (expected, follows)


@pytest.mark.case("F-07")
@pytest.mark.parametrize(
    ("text", "is_taken"),
    [
        ("bytes 10-99/100", True),
        ("bytes 10-98/100", False),
        ("bytes 10-99/99", False),
        ("bytes 11-99/100", False),
        ("bytes 0-99/100", False),
        ("bytes 10-9/10", False),
        ("bytes 10-99/*", False),
        ("bytes */100", False),
        ("bytes 10-99", False),
        ("bytes=10-99/100", False),
        ("items 10-99/100", False),
        ("bytes 10-99/100, bytes 10-99/100", False),
        ("bytes \xb110-99/100", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("framing", ["Content-Length: 90", "Transfer-Encoding: chunked"])
def test_a_rest_must_be_what_was_asked_for(text: str, *, is_taken: bool, framing: str) -> None:
    def behave(connection: socket) -> None:
        read_head(connection)
        head = f"HTTP/1.1 206 Partial Content\r\nContent-Range: {text}\r\n{framing}\r\n\r\n"
        connection.sendall(head.encode("latin-1"))

    with answering(behave) as port:
        provider = a_provider(f"http://127.0.0.1:{port}")
        with provider.audio(TRACK_ID, offset=10, etag='"a"', deadline_s=20) as body:
            if is_taken:
                assert (body.offset, body.length) == (10, 100)
                return
            with pytest.raises(TransferFailed) as failure:
                _ = body.offset
    assert failure.value.error_type is ErrorType.CORRUPT


def test_the_base_url_may_have_a_path_and_a_password() -> None:
    heads: list[bytes] = []

    def behave(connection: socket) -> None:
        heads.append(read_head(connection))
        connection.sendall(HEAD + WAV)

    with answering(behave) as port:
        assert read(HttpProvider(f"http://me:p%40ss@127.0.0.1:{port}/api/v1/", clock=CLOCK)) == WAV
    lines = heads[0].split(b"\r\n")
    assert lines[0] == f"GET /api/v1/track/{TRACK_ID}/audio HTTP/1.1".encode()
    wanted = {f"Host: 127.0.0.1:{port}", "Authorization: Basic bWU6cEBzcw==", "Accept-Encoding: identity"}
    assert wanted <= {line.decode() for line in lines}


def test_an_id_never_leaves_its_place_in_the_path() -> None:
    heads: list[bytes] = []

    def behave(connection: socket) -> None:
        heads.append(read_head(connection))
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    with answering(behave) as port, pytest.raises(TransferFailed):
        a_provider(f"http://127.0.0.1:{port}").track("../a b?c#d\r\nX: y")
    assert heads[0].startswith(b"GET /track/..%2Fa%20b%3Fc%23d%0D%0AX%3A%20y HTTP/1.1\r\n")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return a_certificate(tmp_path)


@pytest.fixture
def trust(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    trusted.cache_clear()
    yield
    trusted.cache_clear()


@pytest.mark.usefixtures("trust")
def test_bytes_come_over_tls(certificate: Path) -> None:
    with answering(tls_whole, certificate=certificate) as port:
        assert read(a_provider(f"https://127.0.0.1:{port}")) == WAV


@pytest.mark.usefixtures("trust")
def test_an_abort_ends_tls_at_once(certificate: Path) -> None:
    def behave(connection: socket) -> None:
        read_head(connection)
        connection.sendall(HEAD + WAV[:50_000])
        connection.recv(1)

    with answering(behave, certificate=certificate) as port:
        assert 0.2 <= aborted(HttpProvider(f"https://127.0.0.1:{port}", clock=CLOCK)) < 0.2 + AT_ONCE_S


def test_a_handshake_that_hangs_is_bounded() -> None:
    with answering(say_nothing) as port:
        started = monotonic()
        failure = failure_of(HttpProvider(f"https://127.0.0.1:{port}", clock=CLOCK), deadline_s=0.3)
        assert failure.error_type is ErrorType.TIMEOUT
        assert monotonic() - started < 0.3 + AT_ONCE_S


def test_a_certificate_that_nobody_knows_is_refused(certificate: Path) -> None:
    with answering(tls_whole, certificate=certificate) as port:
        failure = failure_of(a_provider(f"https://127.0.0.1:{port}"))
    assert failure.error_type is ErrorType.CONNECTION
    assert "certificate" in failure.message


def say_nothing(connection: socket) -> None:
    while connection.recv(65_536):
        pass


def tls_whole(connection: socket) -> None:
    read_head(connection)
    connection.sendall(HEAD + WAV)
    connection.recv(1)
