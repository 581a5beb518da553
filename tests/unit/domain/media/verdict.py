"""Asking for a verdict: what a body is refused for, if it is."""

from collections.abc import Iterable

from cratekeeper.domain.media import CorruptMedia, Inspector


def refusal(content_type: str, body: bytes, *, is_framed: bool = True) -> str | None:
    """Why `body`, in one piece, is corrupt; None if it is accepted."""
    return refusal_of(content_type, [body], is_framed=is_framed)


def refusal_of(content_type: str, pieces: Iterable[bytes], *, is_framed: bool = True) -> str | None:
    """Why the body in these pieces is corrupt; None if it is accepted."""
    inspector = Inspector(content_type, declared_length=None, complete_by_framing=is_framed)
    try:
        for piece in pieces:
            inspector.feed(piece)
        inspector.finish()
    except CorruptMedia as error:
        return str(error)
    return None


def put(body: bytes, at: int, new: bytes) -> bytes:
    """The body with `new` written over what stands at `at`."""
    return body[:at] + new + body[at + len(new) :]
