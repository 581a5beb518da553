"""A library of any size that exists only as answers: S3's listings of it, and DynamoDB's pages of its media rows.

Every prefix of the watchdog's shards holds the same number of objects; no key is stored anywhere.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import PIPE, Popen
from typing import Final
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import quoteattr

import httpx
from typing_extensions import override

from cratekeeper.domain.reconcile import SHARDS

PAGE: Final = 1000
ROWS: Final = 5000
"""Rows in a page of 1 MB."""

SIZE: Final = 5_242_880
_CONTENTS: Final = (
    "<Contents><Key>{key}</Key><LastModified>2026-11-21T08:00:00.000Z</LastModified>"
    "<ETag>&quot;5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e&quot;</ETag><Size>{size}</Size>"
    "<StorageClass>STANDARD</StorageClass></Contents>"
)


def key_of(shard: str, number: int) -> str:
    """The key of an object of a shard."""
    digits, extension = (21, "mp3") if shard.startswith("audio") else (39, "jpg")
    return f"{shard}{number:0{digits}d}.{extension}"


def keys(prefix: str, after: str, each: int) -> Iterator[str]:
    """The keys below a prefix and behind a key."""
    for shard in SHARDS:
        if shard.startswith(prefix):
            first = 0
            if after >= key_of(shard, 0):
                begins_in = after.startswith(shard)
                first = int(after[len(shard) :].partition(".")[0]) + 1 if begins_in else each
            for number in range(first, each):
                yield key_of(shard, number)


class Library(BaseHTTPRequestHandler):
    """GET of a bucket lists it, POST is a Query of the catalog, HEAD is counted; GET /figures tells the counts."""

    protocol_version = "HTTP/1.1"
    each = 0
    counts: Final = {"list": 0, "query": 0, "head": 0}

    def do_GET(self) -> None:
        """A page of a listing."""
        url = urlsplit(self.path)
        if url.path == "/figures":
            self._answer(json.dumps(Library.counts))
            return
        Library.counts["list"] += 1
        wanted = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        after = wanted.get("continuation-token") or wanted.get("start-after", "")
        found = keys(wanted.get("prefix", ""), after, Library.each)
        page = [key for key, _ in zip(found, range(PAGE), strict=False)]
        more = next(found, None) is not None
        token = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
        contents = "".join(_CONTENTS.format(key=key, size=SIZE) for key in page)
        self._answer(
            f'<?xml version="1.0"?><ListBucketResult xmlns={quoteattr("http://s3.amazonaws.com/doc/2006-03-01/")}>'
            f"<Name>media</Name><KeyCount>{len(page)}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}</ListBucketResult>"
        )

    def do_POST(self) -> None:
        """A page of a shard's rows."""
        Library.counts["query"] += 1
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        shard = wanted["ExpressionAttributeValues"][":shard"]["S"].removeprefix("M#")
        begin = int(wanted.get("ExclusiveStartKey", {}).get("n", {"N": "0"})["N"])
        end = min(begin + ROWS, Library.each)
        kind = "track" if shard.startswith("audio") else "album_image"
        rows = [
            {"sk": {"S": key.partition(".")[0]}, "k": {"S": key}, "s": {"N": str(SIZE)}, "ki": {"S": kind}}
            for key in (key_of(shard, number) for number in range(begin, end))
        ]
        more = {"LastEvaluatedKey": {"n": {"N": str(end)}}} if end < Library.each else {}
        self._answer(json.dumps({"Items": rows, "Count": len(rows), "ScannedCount": len(rows), **more}))

    def do_HEAD(self) -> None:
        """Nothing is there to be read."""
        Library.counts["head"] += 1
        self.send_error(404)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self, body: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


@contextmanager
def running(each: int) -> Iterator[str]:
    """A library with so many objects in each shard, in a process of its own; its URL."""
    command = [sys.executable, "-m", "tests.bench.library", str(each)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def figures(url: str) -> dict[str, int]:
    """Requests by what they were."""
    found: dict[str, int] = httpx.get(f"{url}/figures", trust_env=False).json()
    return found


def main() -> None:
    """Serve on a free port of loopback and say which."""
    Library.each = int(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Library)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
