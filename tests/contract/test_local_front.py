"""The front of the local stack: one port, and whatever comes passes as it came."""

import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import httpx
import pytest
from typing_extensions import override

from cratekeeper_local import front
from cratekeeper_local.errors import USAGE, LocalStackError

EVERY_BYTE = bytes(range(256)) * 500


class Echo(BaseHTTPRequestHandler):
    """Answers with what it got; the body that it sends is every byte there is."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[dict[str, Any]]] = []

    def answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length) if length else self._chunks()
        self.seen.append({
            "method": self.command,
            "target": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "sha256": hashlib.sha256(body).hexdigest(),
        })
        self.send_response_only(404 if "missing" in self.path else 202)
        self.send_header("x-two", "one")
        self.send_header("x-two", "two")
        self.send_header("server", "echo")
        self.send_header("content-length", str(len(EVERY_BYTE)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(EVERY_BYTE)

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def _chunks(self) -> bytes:
        body = b""
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return body

    @override
    def log_message(self, format: str, *args: object) -> None:
        del format, args


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A front before an echo, mapped to /stage/api."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as echo:
        threading.Thread(target=echo.serve_forever, daemon=True).start()
        listener = front.reserved(0)
        url = front.url_of(listener)
        with front.opened(listener, f"http://127.0.0.1:{echo.server_address[1]}/stage/api"):
            yield url
        echo.shutdown()


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    Echo.seen.clear()
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_every_method_and_status_passes(client: httpx.Client, method: str) -> None:
    assert client.request(method, "/v1/x").status_code == 202
    assert client.request(method, "/missing").status_code == 404
    assert [seen["method"] for seen in Echo.seen] == [method, method]


@pytest.mark.parametrize(
    "target", ["/", "/v1/a%2Fb/%e2%82%ac", "/v1/x?a=1&a=2&q=%20+%26&empty=", "/v1/x?", "//double", "/~.-_/%7Etilde"]
)
def test_path_and_query_pass_byte_by_byte(url: str, target: str) -> None:
    Echo.seen.clear()
    host = url.removeprefix("http://")
    with socket.create_connection((host.split(":")[0], int(host.split(":")[1]))) as line:
        line.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        while line.recv(65536):
            pass
    # An empty query is no query, as for every server.
    assert Echo.seen[0]["target"] == f"/stage/api{target.removesuffix('?')}"


def test_headers_pass_and_none_is_added(client: httpx.Client) -> None:
    request = client.build_request(
        "POST", "/v1/x", headers={"Idempotency-Key": "k", "X-Request-ID": "r"}, content=b"{}"
    )
    request.headers["accept-encoding"] = "identity"
    client.send(request)
    sent = sorted([name.decode().lower(), value.decode()] for name, value in request.headers.raw)
    assert sorted(Echo.seen[0]["headers"]) == [pair for pair in sent if pair[0] != "connection"]


def test_answers_pass_with_repeated_headers_and_binary_bodies(client: httpx.Client) -> None:
    answer = client.get("/v1/x")
    assert answer.headers.get_list("x-two") == ["one", "two"]
    assert answer.headers["server"] == "echo"
    assert "date" not in answer.headers
    assert answer.content == EVERY_BYTE


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_pass_whether_their_length_is_known_or_not(client: httpx.Client, *, chunked: bool) -> None:
    content = (part for part in (EVERY_BYTE, b"end")) if chunked else EVERY_BYTE + b"end"
    client.post("/v1/x", content=content)
    assert Echo.seen[0]["sha256"] == hashlib.sha256(EVERY_BYTE + b"end").hexdigest()


def test_a_crowd_is_served_in_turn(client: httpx.Client) -> None:
    with ThreadPoolExecutor(40) as crowd:
        answers = list(crowd.map(lambda number: client.post("/v1/x", json={"n": number}).status_code, range(200)))
    assert answers == [202] * 200


def test_without_an_emulator_it_says_so_in_the_usual_form() -> None:
    listener, nobody = front.reserved(0), front.reserved(0)
    url = front.url_of(listener)
    with nobody, front.opened(listener, front.url_of(nobody)):
        answer = httpx.get(f"{url}/health", trust_env=False)
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.content)["code"] == "emulator_unreachable"


def test_the_port_is_free_again_afterwards() -> None:
    listener = front.reserved(0)
    url = front.url_of(listener)
    with front.opened(listener, "http://127.0.0.1:9"):
        pass
    front.reserved(int(url.rpartition(":")[2])).close()


def test_a_port_that_is_taken_is_refused_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(LocalStackError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use") as no:
            front.reserved(port)
    assert no.value.exit_code == USAGE


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(LocalStackError, match="not a port"):
        front.reserved(port)
