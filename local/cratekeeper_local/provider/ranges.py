"""Byte ranges: ``Range`` and ``If-Range`` as RFC 9110 has them, one range at a time."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cratekeeper_local.provider.messages import Answer, with_header
from cratekeeper_local.provider.refusals import Refused

_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def in_range(answer: Answer, headers: Mapping[str, str]) -> Answer:
    """The part that the request asks for, as 206, or the whole answer.

    A range that is no single well-formed byte range, or whose If-Range names another
    version, gives the whole. Raises Refused (416) where nothing of it exists.
    """
    span = _span(headers.get("range", ""), answer.content.size_bytes)
    if span is None or headers.get("if-range", answer.header("ETag")) != answer.header("ETag"):
        return answer
    total = answer.content.size_bytes
    if not span:
        size = ("Content-Range", f"bytes */{total}")
        raise Refused(416, "the range begins after the end", headers=(size,))
    part = replace(answer, status=206, start=span.start, stop=span.stop)
    return with_header(part, "Content-Range", f"bytes {span.start}-{span.stop - 1}/{total}")


def _span(text: str, total: int) -> range | None:
    found = _RANGE.fullmatch(text.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        return range(max(0, total - int(last)), total)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(total, int(last) + 1) if last else total)
