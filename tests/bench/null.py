"""A server that answers each operation of DynamoDB (of one table) with what it was given for it, in its own process."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import PIPE, Popen
from zlib import crc32

from typing_extensions import override


class Null(BaseHTTPRequestHandler):
    """POST as the SDK sends it; the operation is in a header."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    answers: Mapping[str, object] = {}

    def do_POST(self) -> None:
        """The answer of the operation, or an empty one."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        answer = Null.answers.get(f"{operation} {asked.get('TableName')}", Null.answers.get(operation, {}))
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amz-crc32", str(crc32(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running(answers: Mapping[str, object]) -> Iterator[str]:
    """The server, so that its work is not measured; its URL."""
    command = [sys.executable, "-m", "tests.bench.null", json.dumps(answers)]
    with Popen(command, stdout=PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def main() -> None:
    """Serve on a free port of loopback and say which."""
    Null.answers = json.loads(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Null)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
