"""Requests and answers as values, answers with how they are to be delivered."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from urllib.parse import parse_qs

from cratekeeper_local.provider.content import Content, Media, Whole

Headers = tuple[tuple[str, str], ...]


class Framing(Enum):
    """How the end of a body is told."""

    LENGTH = "Content-Length"
    CHUNKED = "chunked"
    BOTH = "Content-Length and chunked, which is illegal"
    NONE = "the end of the connection"


class Ending(Enum):
    """What happens after the last byte that is sent."""

    KEEP = "the connection stays"
    CLOSE = "the connection is closed"
    RESET = "the connection is reset"
    HANG = "nothing more comes"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer goes over the wire; the defaults are how it should be.

    `declared_bytes` replaces the true Content-Length, `cut_bytes` ends the body early,
    `rate_bytes_s` slows it, `drip_s` is the pause after each byte of the head, `hang_s`
    bounds a HANG, `raw` is sent in place of head and body, and without `has_head` the
    ending comes at once.
    """

    framing: Framing = Framing.LENGTH
    declared_bytes: int | None = None
    cut_bytes: int | None = None
    rate_bytes_s: int | None = None
    drip_s: float | None = None
    has_head: bool = True
    raw: bytes | None = None
    ending: Ending = Ending.KEEP
    hang_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case, `edition` picks which take of a file."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    edition: int = 0

    @property
    def path(self) -> str:
        """The path without the query, as it was sent."""
        return self.target.partition("?")[0]

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path between its slashes."""
        return tuple(self.path.split("/")[1:])

    @property
    def query(self) -> dict[str, str]:
        """The first value of each query parameter."""
        text = self.target.partition("?")[2]
        return {key: values[0] for key, values in parse_qs(text).items()}

    @property
    def track_id(self) -> str | None:
        """The track whose audio is asked for, if it is a download of audio."""
        match self.segments:
            case ("track", track_id, "audio") if self.method == "GET":
                return track_id
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the bytes `start` up to `stop` of a content under a status and headers.

    Content-Length, Transfer-Encoding and Connection follow from the delivery.
    """

    status: int
    headers: Headers
    content: Content
    start: int
    stop: int
    delivery: Delivery = Delivery()

    @classmethod
    def of(cls, body: bytes, content_type: str, *, status: int = 200) -> "Answer":
        """An answer with a body in memory."""
        return cls(status, (("Content-Type", content_type),), Whole(body), 0, len(body))

    @classmethod
    def json(cls, value: object, *, status: int = 200) -> "Answer":
        """An answer with a JSON body."""
        return cls.of(json.dumps(value).encode(), "application/json", status=status)

    @classmethod
    def media(cls, media: Media) -> "Answer":
        """An answer with the whole of a file."""
        headers = (
            ("Content-Type", media.content_type),
            ("ETag", media.etag),
            ("Accept-Ranges", "bytes"),
        )
        return cls(200, headers, media.content, 0, media.content.size_bytes)

    @property
    def size_bytes(self) -> int:
        """The true length of the body."""
        return self.stop - self.start

    @property
    def body(self) -> bytes:
        """The body as a whole, whatever the delivery does to it; for small ones only."""
        return self.content.read(self.start, self.stop)

    def header(self, name: str) -> str | None:
        """The first header of that name in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


def with_header(answer: Answer, name: str, value: str) -> Answer:
    """The answer with a header set in place of any of the same name."""
    others = tuple(pair for pair in answer.headers if pair[0].lower() != name.lower())
    return replace(answer, headers=(*others, (name, value)))
