"""A Cratekeeper of a few dictionaries behind httpx.MockTransport, on a clock that only sleep moves."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

import httpx

Json = dict[str, object]

URL: Final = "https://crates.example"
KEY: Final = "ck_good"
STARTED: Final = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
ALBUM: Final = "4u7EnebtmKWzUH433cf5Qv"
ROOT: Final = "01JD8Z3V5K7Q9S1T2W4X6Y8Z0A"


@dataclass(slots=True)
class Clock:
    """Seconds that pass only in `sleep`; somebody presses Ctrl-C at `interrupt_at_s`."""

    now_s: float = 0.0
    interrupt_at_s: float = float("inf")

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, span_s: float) -> None:
        self.now_s += span_s
        if self.now_s >= self.interrupt_at_s:
            raise KeyboardInterrupt


@dataclass(slots=True)
class FakeServer:
    """What the routes of api.md answer; `timelines` say from which second on a download is how.

    `answers` are by method and path, None being 204 without content. The next requests of all
    get `refusals`; those for a path get its `troubles`, None being none.
    """

    clock: Clock
    timelines: dict[str, list[tuple[float, Json]]] = field(default_factory=dict)
    lists: dict[str, list[Json]] = field(default_factory=dict)
    documents: dict[str, Json] = field(default_factory=dict)
    answers: dict[str, Json | None] = field(default_factory=dict)
    refusals: list[httpx.Response | Exception] = field(default_factory=list)
    troubles: dict[str, list[httpx.Response | None]] = field(default_factory=dict)
    outage_s: tuple[float, float] = (0.0, 0.0)
    created: dict[str, Json] = field(default_factory=dict)
    seen: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        if self.outage_s[0] <= self.clock.now_s < self.outage_s[1]:
            raise httpx.ConnectError("[Errno 111] Connection refused")
        if self.refusals:
            refusal = self.refusals.pop(0)
            if isinstance(refusal, Exception):
                raise refusal
            return refusal
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return a_problem(401, "unauthenticated", "the API key is not known")
        trouble = next(iter(self.troubles.get(request.url.path, [])), None)
        del self.troubles.get(request.url.path, [])[:1]
        if trouble:
            return trouble
        response = self._answer(request)
        response.headers["Date"] = format_datetime(STARTED + timedelta(seconds=self.clock.now_s), usegmt=True)
        return response

    def _answer(self, request: httpx.Request) -> httpx.Response:
        known = f"{request.method} {request.url.path}"
        if known in self.answers:
            answer = self.answers[known]
            return httpx.Response(204) if answer is None else httpx.Response(200, json=answer)
        return self._create(request) if request.method == "POST" else self._read(request)

    def sent(self, method: str = "POST") -> list[tuple[str, Json]]:
        """Path and body of each request of that method."""
        requests = [request for request in self.seen if request.method == method]
        return [(request.url.path, json.loads(request.content or b"{}")) for request in requests]

    def _create(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.created[request.headers["Idempotency-Key"]] = body
        return httpx.Response(202, json=a_download(id=ROOT, **body))

    def _read(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path in self.lists:
            return httpx.Response(200, json=self._page(self.lists[path], request.url.params))
        if path in self.documents:
            return httpx.Response(200, json=self.documents[path])
        states = self.timelines.get(path.rpartition("/")[2], [])
        now = [number for number, (from_s, _) in enumerate(states) if from_s <= self.clock.now_s]
        if not now:
            return a_problem(404, "not_found", "no such download")
        etag = f'"{now[-1]}"'
        if request.headers.get("If-None-Match") == etag:
            return httpx.Response(304, headers={"ETag": etag})
        return httpx.Response(200, json=states[now[-1]][1], headers={"ETag": etag})

    def _page(self, items: Sequence[Json], params: httpx.QueryParams) -> Json:
        kept = [item for item in items if params.get("status") in {None, item.get("status")}]
        start, limit = int(params.get("cursor", "0")), int(params.get("limit", "50"))
        end = start + limit
        return {"items": kept[start:end], "next_cursor": str(end) if end < len(kept) else None}


def a_problem(status: int, code: str, detail: str, **more: object) -> httpx.Response:
    problem = {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code}
    stamped = {"request_id": "req-1", "timestamp": "2026-11-21T08:00:00Z", **more}
    return httpx.Response(status, json={**problem, **stamped}, headers={"Content-Type": "application/problem+json"})


def a_download(**changes: object) -> Json:
    """A Download object with every field of api.md."""
    plain: Json = {
        "id": ROOT, "kind": "album", "content_id": ALBUM, "content_name": None, "artist_name": None,
        "parent_id": None, "status": "PENDING", "priority": 2, "source": "USER", "requested_by": "alice",
        "created_at": "2026-11-21T07:59:00Z", "started_at": None, "completed_at": None,
        "updated_at": "2026-11-21T07:59:00Z", "next_retry_at": None, "attempts": 0, "retry_count": 0,
        "max_retries": 5, "error_type": None, "error_message": None, "bytes_downloaded": None,
        "duration_ms": None, "partial": False, "paused_from": None, "queue_position": None,
    }  # fmt: skip
    return {**plain, **changes}


def a_progress(total: int, *, size_bytes: int = 0, **parts: int) -> Json:
    counts = {"completed": 0, "failed": 0, "cancelled": 0, "in_progress": 0, "retry_waiting": 0, "paused": 0, **parts}
    ended = counts["completed"] + counts["failed"]
    pending = total - sum(counts.values())
    return {"total": total, **counts, "pending": pending, "percent": 100 * ended // total, "bytes": size_bytes}


def an_album(status: str, progress: Json, **changes: object) -> Json:
    return a_download(
        status=status, progress=progress, content_name="Night Drive", artist_name="The Examples", **changes
    )


def a_track(ordinal: int, status: str, **changes: object) -> Json:
    return a_download(
        id=f"{ROOT}-{ordinal}",
        kind="track",
        parent_id=ROOT,
        status=status,
        content_name=f"Song {ordinal}",
        **changes,
    )
