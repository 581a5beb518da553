"""The table of scripted behaviours: from a right answer to a wrong one, by name."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from cratekeeper_local.provider import content_faults, delivery_faults, json_faults
from cratekeeper_local.provider.messages import Answer, Request
from cratekeeper_local.provider.params import Params

Behaviour = Callable[[Answer, Params], Answer]

BEHAVIOURS: Final[Mapping[str, Behaviour]] = MappingProxyType({
    "bad_json": json_faults.bad_json,
    "chunked": delivery_faults.chunked,
    "close_delimited": delivery_faults.close_delimited,
    "control_chars": json_faults.control_chars,
    "deep_json": json_faults.deep_json,
    "duplicate_tracks": json_faults.duplicate_tracks,
    "empty": content_faults.empty,
    "endless": delivery_faults.endless,
    "etag_change": content_faults.unchanged,
    "garbage": content_faults.garbage,
    "gzip_body": content_faults.gzip_body,
    "hang": delivery_faults.hang,
    "header_drip": delivery_faults.header_drip,
    "headers": content_faults.headers,
    "html_200": content_faults.html_200,
    "huge_title": json_faults.huge_title,
    "ignore_range": content_faults.unchanged,
    "json_200": content_faults.json_200,
    "length_and_chunked": delivery_faults.length_and_chunked,
    "long_content_length": delivery_faults.long_content_length,
    "missing_field": json_faults.missing_field,
    "raw": delivery_faults.raw,
    "redirect": content_faults.redirect,
    "repeat_field": json_faults.repeat_field,
    "reset": delivery_faults.reset,
    "set_field": json_faults.set_field,
    "shortened": content_faults.shortened,
    "slow": delivery_faults.slow,
    "status": content_faults.status,
    "truncate": delivery_faults.truncate,
    "truncate_chunked": delivery_faults.truncate_chunked,
    "wrong_content_range": content_faults.wrong_content_range,
    "wrong_type": content_faults.wrong_type,
})

RANGE_ONLY: Final = frozenset({"ignore_range", "wrong_content_range"})
"""Behaviours that need a request with Range and wait for one."""


def misled(request: Request, behaviour: str) -> Request:
    """The request as a behaviour that spoils the reading of it sees it."""
    match behaviour:
        case "ignore_range":
            others = {name: text for name, text in request.headers.items() if name != "range"}
            return replace(request, headers=others)
        case "etag_change":
            return replace(request, edition=request.edition + 1)
        case _:
            return request


def misbehave(answer: Answer, behaviour: str, *, params: Params, request: Request) -> Answer:
    """The answer as the behaviour spoils it."""
    if params.to is None:
        params = params.model_copy(update={"to": request.target})
    return BEHAVIOURS[behaviour](answer, params)
