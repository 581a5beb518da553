"""A server that takes S3's PUTs and multipart uploads and keeps nothing: for streams too big for the emulator."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import PIPE, Popen
from typing import Final
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from typing_extensions import override

PIECE_BYTES: Final = 2**18
ETAG: Final = '"0123456789abcdef0123456789abcdef"'
_BEGUN: Final = "<InitiateMultipartUploadResult><UploadId>one</UploadId></InitiateMultipartUploadResult>"
_COMPLETED: Final = f"<CompleteMultipartUploadResult><ETag>{ETAG}</ETag></CompleteMultipartUploadResult>"


class Sink(BaseHTTPRequestHandler):
    """PUT of an object or a part, POST to begin and to complete an upload, GET of the counts."""

    protocol_version = "HTTP/1.1"
    taken_bytes = 0
    puts = 0

    def do_PUT(self) -> None:
        """Take a body, of a length or in chunks."""
        Sink.puts += 1
        Sink.taken_bytes += self._take()
        self._answer("", ETag=ETAG)

    def do_POST(self) -> None:
        """Begin or complete an upload."""
        Sink.puts += 1
        self._take()
        is_begin = "uploads" in parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        self._answer(_BEGUN if is_begin else _COMPLETED)

    def do_GET(self) -> None:
        """Requests of the PUT class and bytes so far."""
        self._answer(f"{Sink.puts} {Sink.taken_bytes}")

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _take(self) -> int:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return self._take_chunks()
        return self._skip(int(self.headers.get("Content-Length", 0)))

    def _take_chunks(self) -> int:
        taken = 0
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            taken += self._skip(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return taken

    def _skip(self, size_bytes: int) -> int:
        buffer, left = memoryview(bytearray(PIECE_BYTES)), size_bytes
        while left:
            got = self.rfile.readinto(buffer[: min(left, PIECE_BYTES)])
            if not got:
                break
            left -= got
        return size_bytes - left

    def _answer(self, body: str, **headers: str) -> None:
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())


@contextmanager
def running() -> Iterator[str]:
    """The sink in a process of its own, so that its work is not measured; its URL."""
    command = [sys.executable, "-m", "tests.bench.sink"]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def puts(url: str) -> int:
    """Requests of the PUT class that the sink has taken."""
    with urlopen(url) as answer:  # noqa: S310 - our own server
        return int(answer.read().split()[0])


def main() -> None:
    """Serve on a free port of loopback and say which."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
