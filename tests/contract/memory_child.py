"""`python -m tests.contract.memory_child URL TRACK ALBUM`: what each line of standard input costs in memory.

A line is a name and what to ask for; the answer is the name and the growth of the process's peak in MiB.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from resource import RUSAGE_SELF, getrusage

from cratekeeper.domain.errors import TransferFailed
from cratekeeper.ports import MediaStore, ObjectInfo, Part
from tests.contract.landing import Landing, a_provider


class Nowhere:
    """A bucket that takes everything and keeps nothing."""

    def head(self, key: str) -> ObjectInfo | None:
        del key

    def read(self, key: str) -> Iterator[bytes]:
        raise KeyError(key)

    def put(
        self, key: str, chunks: Iterable[bytes], *, size_bytes: int, content_type: str, if_match: str | None = None
    ) -> str:
        del key, content_type, if_match
        assert sum(map(len, chunks)) == size_bytes
        return '"etag"'

    def begin(self, key: str, *, content_type: str) -> str:
        del content_type
        return key

    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        del key, upload_id, body
        return f'"{number}"'

    def complete(self, key: str, upload_id: str, parts: Sequence[str], *, if_match: str | None = None) -> str:
        del key, upload_id, parts, if_match
        return '"etag"'

    def abort(self, key: str, upload_id: str) -> None: ...

    def parts(self, key: str, upload_id: str) -> list[Part]:
        del key, upload_id
        return []

    def discard(self, key: str, *, etag: str) -> None: ...


def peak_mib() -> float:
    return getrusage(RUSAGE_SELF).ru_maxrss / 1024


def ask(url: str, wanted: str, content_id: str) -> None:
    nowhere: MediaStore = Nowhere()
    with suppress(TransferFailed):
        match wanted:
            case "audio":
                Landing(url=url, media=nowhere, timeout_s=2).land(content_id)
            case "put":
                Landing(url=url, media=nowhere, timeout_s=60).land(content_id)
            case _:
                getattr(a_provider(url, timeout_s=10), wanted)(content_id)


def main(url: str) -> None:
    for line in sys.stdin:
        name, wanted, content_id = line.split()
        before = peak_mib()
        ask(url, wanted, content_id)
        sys.stdout.write(f"{name} {peak_mib() - before:.1f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
