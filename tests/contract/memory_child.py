"""`python -m tests.contract.memory_child`: what each line of standard input costs in memory.

A line says what to ask for, of whom, and by which id; the answer is the process's peak in MiB since
the line before, and what came of it.
"""

import sys
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

from cratekeeper.domain.errors import TransferFailed
from cratekeeper.ports import MediaStore, ObjectInfo, Part
from tests.contract.landing import Landing, a_provider


class Nowhere:
    """A bucket that takes everything and keeps nothing."""

    def head(self, key: str) -> ObjectInfo | None:
        raise AssertionError(key)

    def read(self, key: str) -> Generator[bytes, None, None]:
        raise AssertionError(key)

    def link(self, key: str, **_: object) -> str:
        raise AssertionError(key)

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
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def forget_the_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", "utf-8")


def ask(url: str, wanted: str, content_id: str) -> str:
    """The class of the failure, or of what came."""
    nowhere: MediaStore = Nowhere()
    result: object
    try:
        match wanted:
            case "audio":
                result = Landing(url=url, media=nowhere, timeout_s=1).land(content_id)
            case "put":
                result = Landing(url=url, media=nowhere, timeout_s=100).land(content_id)
            case _:
                result = getattr(a_provider(url, timeout_s=10), wanted)(content_id)
    except TransferFailed as failure:
        return failure.error_type.value
    return type(result).__name__


def main() -> None:
    for line in sys.stdin:
        wanted, url, content_id = line.split()
        forget_the_peak()
        came = ask(url, wanted, content_id)
        sys.stdout.write(f"{peak_mib():.1f} {came}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
