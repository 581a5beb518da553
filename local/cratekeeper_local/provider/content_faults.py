"""Misbehaviour in what is said: wrong statuses, types, headers and bytes, well delivered."""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from cratekeeper_local.provider.content import Looped, Whole
from cratekeeper_local.provider.messages import Answer, with_header
from cratekeeper_local.provider.params import Params
from cratekeeper_local.provider.refusals import Refused

PIECE_BYTES: Final = 2**20
GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
HTML: Final = b"<!DOCTYPE html>\n<html><title>Sorry</title><body>Try again later.</body></html>\n"
# No byte reaches 0xFF and the first is 7: it is no text and the start of no format.
NOISE: Final = bytes((7 + 151 * i + i * i // 3) % 251 for i in range(4099))


def status(_answer: Answer, params: Params) -> Answer:
    """An error with status `code` (500) and, if given, `retry_after`."""
    refusal = Refused(params.code or 500, "scripted").answer()
    if params.retry_after is None:
        return refusal
    return with_header(refusal, "Retry-After", str(params.retry_after))


def shortened(answer: Answer, params: Params) -> Answer:
    """Only a share of the body, and the declared length agrees."""
    return replace(answer, stop=answer.start + params.kept_bytes(answer.size_bytes))


def empty(answer: Answer, _params: Params) -> Answer:
    """No bytes, and the declared length agrees."""
    return replace(answer, stop=answer.start)


def html_200(_answer: Answer, params: Params) -> Answer:
    """An error page with status 200, under `type` (text/html)."""
    return Answer.of(HTML, params.type or "text/html; charset=utf-8")


def json_200(_answer: Answer, params: Params) -> Answer:
    """An error of the contract with status 200, under `type` (application/json)."""
    body = Refused(params.code or 503, "scripted").answer().body
    return Answer.of(body, params.type or "application/json")


def garbage(answer: Answer, params: Params) -> Answer:
    """The right type and `size_bytes` (the right length) of noise."""
    size = answer.size_bytes if params.size_bytes is None else params.size_bytes
    return replace(answer, content=Looped(b"", NOISE, size), start=0, stop=size)


def wrong_type(answer: Answer, params: Params) -> Answer:
    """The right bytes under `type` (application/octet-stream)."""
    return with_header(answer, "Content-Type", params.type or "application/octet-stream")


def gzip_body(answer: Answer, params: Params) -> Answer:
    """The body compressed, unasked; with `size_bytes` a bomb that unpacks to as many."""
    packed = _packed((answer.body,) if params.size_bytes is None else _zeros(params.size_bytes))
    whole = replace(answer, content=Whole(packed), start=0, stop=len(packed))
    return with_header(whole, "Content-Encoding", "gzip")


def _packed(pieces: Iterable[bytes]) -> bytes:
    packer = zlib.compressobj(wbits=GZIP_WINDOW)
    return b"".join([*map(packer.compress, pieces), packer.flush()])


def _zeros(size_bytes: int) -> Iterator[bytes]:
    # In pieces: what is to burst the client's memory shall not burst ours.
    for start in range(0, size_bytes, PIECE_BYTES):
        yield bytes(min(PIECE_BYTES, size_bytes - start))


def headers(answer: Answer, params: Params) -> Answer:
    """More `headers`, also twice the same."""
    return replace(answer, headers=(*answer.headers, *params.headers))


def redirect(_answer: Answer, params: Params) -> Answer:
    """`code` (302) to `to` (the same URL: as many hops as `times`, or a loop)."""
    moved = Answer.of(b"", "text/plain", status=params.code or 302)
    return with_header(moved, "Location", params.to or "/")


def wrong_content_range(answer: Answer, params: Params) -> Answer:
    """The right part, but Content-Range is off by `shift` or claims another `total`."""
    total = answer.content.size_bytes if params.total is None else params.total
    first, last = answer.start + params.shift, answer.stop - 1 + params.shift
    return with_header(answer, "Content-Range", f"bytes {first}-{last}/{total}")


def unchanged(answer: Answer, _params: Params) -> Answer:
    """The answer to a request that was changed before."""
    return answer
