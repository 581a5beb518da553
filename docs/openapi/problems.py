"""Errors as the document shows them: one schema, and a response for each status."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from cratekeeper.api.edge import PROBLEM
from cratekeeper.api.problems import SHAPES

_AT_THE_EDGE: Final = {
    "not_found": HTTPStatus.NOT_FOUND,
    "unknown_route": HTTPStatus.NOT_FOUND,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "daily_limit_reached": HTTPStatus.TOO_MANY_REQUESTS,
    "queue_limit_reached": HTTPStatus.TOO_MANY_REQUESTS,
    "internal_error": HTTPStatus.INTERNAL_SERVER_ERROR,
}
STATUS: Final = MappingProxyType({shape.code: shape.status for shape in SHAPES.values()} | _AT_THE_EDGE)
"""The status of each code."""

SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "An error (RFC 9457). `code` is stable; `detail` is for people.",
    "required": ["type", "title", "status", "detail", "code", "request_id", "timestamp"],
    "properties": {
        "type": {"type": "string", "description": "`urn:cratekeeper:problem:` and the code"},
        "title": {"type": "string", "description": "The status in words"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string", "pattern": "^[a-z_]+$"},
        "request_id": {"type": "string", "description": "Also in the header X-Request-ID and in the logs"},
        "timestamp": {"type": "string", "format": "date-time"},
        "errors": {
            "type": "array",
            "description": "What is wrong, place by place",
            "items": {
                "type": "object",
                "required": ["loc", "msg"],
                "properties": {
                    "loc": {"type": "string", "examples": ["body.content_id", "query.limit"]},
                    "msg": {"type": "string"},
                },
            },
        },
        "download_id": {"type": "string", "description": "The active download of the same content"},
        "key_id": {"type": "string", "description": "The API key that the request made before"},
        "limit": {"type": "integer", "description": "The limit that is reached"},
        "used": {"type": "integer", "description": "How much of it is used"},
        "resets_at": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When it ends; null: when one of the caller's downloads ends",
        },
    },
}

_MORE: Final[Mapping[str, Mapping[str, Any]]] = {
    "invalid_request": {"errors": [{"loc": "query.limit", "msg": "Input should be less than or equal to 200"}]},
    "already_queued": {"download_id": "01KAJX8M4T6W9ZC2R5N7Q3B1VD"},
    "key_already_made": {"key_id": "01KAJX8M4T6W9ZC2R5N7Q3B1VD"},
    "daily_limit_reached": {"limit": 100, "used": 100, "resets_at": "2026-11-22T00:00:00.000Z"},
    "queue_limit_reached": {"limit": 200, "used": 200, "resets_at": None},
}
_DETAILS: Final[Mapping[str, str]] = {
    "already_exists": "there is a user alice",
    "too_many_keys": "alice has 50 keys, which is as many as there may be",
    "key_already_made": "this request made the key 01KAJX8M4T6W9ZC2R5N7Q3B1VD already, and a key is shown only once: "
    "if it was not noted, revoke it and make another one with a new Idempotency-Key",
    "invalid_request": "query.limit: Input should be less than or equal to 200",
    "unauthorized": "the API key is unknown or revoked",
    "forbidden": "this needs the permission request_content",
    "not_found": "no such download",
    "unknown_route": "there is no such route",
    "job_running": "integrity_watchdog is running",
    "already_queued": "the content is already queued as 01KAJX8M4T6W9ZC2R5N7Q3B1VD",
    "already_in_catalog": "everything asked for is stored and whole",
    "invalid_state": "cannot pause a download that is COMPLETED",
    "daily_limit_reached": "100 of 100 used",
    "queue_limit_reached": "200 of 200 used",
    "body_too_large": "a body holds at most 262144 bytes",
    "idempotency_key_reused": "the Idempotency-Key was used for another request",
    "idempotency_in_progress": "the first request with this Idempotency-Key still runs",
    "provider_not_configured": "no downloader service is set",
    "provider_failed": "the downloader service did not answer as it should",
    "provider_timed_out": "the downloader service did not answer in time",
    "unavailable": "a part of the system does not answer; try again",
    "internal_error": "something went wrong on our side; the request id finds it in the logs",
}
_RETRY: Final = {"idempotency_in_progress", "daily_limit_reached", "queue_limit_reached", "unavailable"}


def example(code: str) -> dict[str, Any]:
    """A problem of this code."""
    status = STATUS[code]
    return {
        "type": f"urn:cratekeeper:problem:{code}",
        "title": status.phrase,
        "status": int(status),
        "detail": _DETAILS[code],
        "code": code,
        "request_id": "5f84b7a10c3d2e6f",
        "timestamp": "2026-11-21T09:30:00.000Z",
        **_MORE.get(code, {}),
    }


def responses(codes: Iterable[str]) -> dict[str, Any]:
    """By status, rising: the answers that these codes come with."""
    return {str(int(STATUS[each[0]])): {"$ref": f"#/components/responses/{'-'.join(each)}"} for each in _grouped(codes)}


def components(operations: Iterable[Iterable[str]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answers and examples that `responses` refers to, for the codes of every operation."""
    groups = {tuple(group) for codes in operations for group in _grouped(codes)}
    examples = {code: {"value": example(code)} for code in sorted({code for group in groups for code in group})}
    return {"-".join(group): _response(group) for group in sorted(groups)}, examples


def _grouped(codes: Iterable[str]) -> list[list[str]]:
    """Codes of one status together, the statuses rising."""
    by_status: dict[HTTPStatus, list[str]] = {}
    for code in sorted(set(codes)):
        by_status.setdefault(STATUS[code], []).append(code)
    return [by_status[status] for status in sorted(by_status)]


def _response(codes: Sequence[str]) -> dict[str, Any]:
    status = STATUS[codes[0]]
    headers = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}
    if _RETRY.intersection(codes):
        headers["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = {"$ref": "#/components/headers/WWW-Authenticate"}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"properties": {"code": {"enum": [*codes]}}}]}
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    return {
        "description": f"{status.phrase}: {', '.join(f'`{code}`' for code in codes)}",
        "headers": headers,
        "content": {PROBLEM: {"schema": schema, "examples": examples}},
    }
