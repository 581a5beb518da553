"""Misbehaviour on the wire: the bytes may be right, their delivery is not."""

from dataclasses import replace
from typing import Final

from cratekeeper_local.provider.content import Looped
from cratekeeper_local.provider.messages import Answer, Delivery, Ending, Framing
from cratekeeper_local.provider.params import Params

ENDLESS_BYTES: Final = 2**62


def truncate(answer: Answer, params: Params) -> Answer:
    """The whole length is declared, the connection closes after a share of the body."""
    return _cut(answer, params, framing=Framing.LENGTH)


def truncate_chunked(answer: Answer, params: Params) -> Answer:
    """Chunks, but the connection closes before the last one."""
    return _cut(answer, params, framing=Framing.CHUNKED)


def close_delimited(answer: Answer, params: Params) -> Answer:
    """No length at all: the close after a share of the body (`keep` 1: all) is the end."""
    return _cut(answer, params, framing=Framing.NONE)


def chunked(answer: Answer, _params: Params) -> Answer:
    """Whole, but in chunks and without a length: legal."""
    return _delivered(answer, Delivery(framing=Framing.CHUNKED))


def length_and_chunked(answer: Answer, _params: Params) -> Answer:
    """Whole, in chunks, with a length besides."""
    return _delivered(answer, Delivery(framing=Framing.BOTH, ending=Ending.CLOSE))


def long_content_length(answer: Answer, params: Params) -> Answer:
    """Whole, but `size_bytes` (1000) more are declared before the connection closes."""
    extra = 1000 if params.size_bytes is None else params.size_bytes
    return _delivered(answer, Delivery(declared_bytes=answer.size_bytes + extra, ending=Ending.CLOSE))


def slow(answer: Answer, params: Params) -> Answer:
    """The body at `rate_bytes_s` (1)."""
    return _delivered(answer, Delivery(rate_bytes_s=params.rate_bytes_s or 1))


def header_drip(answer: Answer, params: Params) -> Answer:
    """One byte of the head each `interval_s`."""
    return _delivered(answer, Delivery(drip_s=params.interval_s))


def hang(answer: Answer, params: Params) -> Answer:
    """Silence for `seconds`: before the head, or after the share `keep` of the body."""
    return _stopped(answer, params, ending=Ending.HANG)


def reset(answer: Answer, params: Params) -> Answer:
    """A TCP reset: before the head, or after the share `keep` of the body."""
    return _stopped(answer, params, ending=Ending.RESET)


def endless(answer: Answer, params: Params) -> Answer:
    """The body again and again, in chunks, or beyond the declared length `size_bytes`; `rate_bytes_s` slows it."""
    content = Looped(b"", answer.body or b" ", ENDLESS_BYTES)
    framing = Framing.CHUNKED if params.size_bytes is None else Framing.LENGTH
    unending = replace(answer, content=content, start=0, stop=ENDLESS_BYTES)
    delivery = Delivery(framing=framing, declared_bytes=params.size_bytes, rate_bytes_s=params.rate_bytes_s)
    return _delivered(unending, delivery)


def raw(answer: Answer, params: Params) -> Answer:
    """`text` in place of head and body, then the end of the connection."""
    return _delivered(answer, Delivery(raw=params.text.encode("latin-1", "replace"), ending=Ending.CLOSE))


def _cut(answer: Answer, params: Params, *, framing: Framing) -> Answer:
    cut_bytes = params.kept_bytes(answer.size_bytes)
    return _delivered(answer, Delivery(framing=framing, cut_bytes=cut_bytes, ending=Ending.CLOSE))


def _stopped(answer: Answer, params: Params, *, ending: Ending) -> Answer:
    delivery = Delivery(
        has_head=params.keep is not None,
        cut_bytes=params.kept_bytes(answer.size_bytes),
        ending=ending,
        hang_s=params.seconds,
    )
    return _delivered(answer, delivery)


def _delivered(answer: Answer, delivery: Delivery) -> Answer:
    return replace(answer, delivery=delivery)
