"""Errors as RFC 9457 problems: one table from class to status and code."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from math import ceil
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from cratekeeper.api.schemas import utc
from cratekeeper.domain import errors
from cratekeeper.domain.text import without_secrets


class Problem(Exception):
    """A refusal that only the HTTP edge knows: unknown route, body too large; `headers` go with it."""

    def __init__(
        self, status: HTTPStatus, code: str, detail: str, *, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.headers = headers


class Shape(NamedTuple):
    """Status and code of a class of errors."""

    status: HTTPStatus
    code: str


SHAPES: Final = MappingProxyType[type[Exception], Shape]({
    errors.Invalid: Shape(HTTPStatus.BAD_REQUEST, "invalid_request"),
    errors.Forbidden: Shape(HTTPStatus.FORBIDDEN, "forbidden"),
    errors.Denied: Shape(HTTPStatus.UNAUTHORIZED, "unauthorized"),
    errors.NotFound: Shape(HTTPStatus.NOT_FOUND, "not_found"),
    errors.AlreadyExists: Shape(HTTPStatus.CONFLICT, "already_exists"),
    errors.TooManyKeys: Shape(HTTPStatus.CONFLICT, "too_many_keys"),
    errors.KeyAlreadyMade: Shape(HTTPStatus.CONFLICT, "key_already_made"),
    errors.AlreadyQueued: Shape(HTTPStatus.CONFLICT, "already_queued"),
    errors.AlreadyInCatalog: Shape(HTTPStatus.CONFLICT, "already_in_catalog"),
    errors.InvalidState: Shape(HTTPStatus.CONFLICT, "invalid_state"),
    errors.JobRunning: Shape(HTTPStatus.CONFLICT, "job_running"),
    errors.LimitReached: Shape(HTTPStatus.TOO_MANY_REQUESTS, "limit_reached"),
    errors.KeyReused: Shape(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
    errors.KeyInProgress: Shape(HTTPStatus.CONFLICT, "idempotency_in_progress"),
    errors.ProviderNotConfigured: Shape(HTTPStatus.SERVICE_UNAVAILABLE, "provider_not_configured"),
    errors.ProviderTimedOut: Shape(HTTPStatus.GATEWAY_TIMEOUT, "provider_timed_out"),
    errors.ProviderFailed: Shape(HTTPStatus.BAD_GATEWAY, "provider_failed"),
    errors.Unavailable: Shape(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
})
"""The first class that fits, in this order, decides."""

_INTERNAL: Final = Shape(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error")


def shape_of(error: Exception) -> Shape:
    """Status and code of an error; everything unforeseen is an internal error without details."""
    if isinstance(error, Problem | errors.LimitReached):
        status = error.status if isinstance(error, Problem) else HTTPStatus.TOO_MANY_REQUESTS
        return Shape(status, error.code)
    return next((shape for kind, shape in SHAPES.items() if isinstance(error, kind)), _INTERNAL)


def body_of(error: Exception, *, request_id: str, now: datetime) -> dict[str, Any]:
    """The problem document of an error."""
    status, code = shape_of(error)
    detail = "something went wrong on our side; the request id finds it in the logs"
    body: dict[str, Any] = {
        "type": f"urn:cratekeeper:problem:{code}",
        "title": status.phrase,
        "status": int(status),
        "detail": detail if status is HTTPStatus.INTERNAL_SERVER_ERROR else without_secrets(str(error)),
        "code": code,
        "request_id": request_id,
        "timestamp": utc(now),
    }
    return body | _extra(error)


def _extra(error: Exception) -> dict[str, Any]:
    match error:
        case errors.Invalid() if error.errors:
            return {"errors": [{"loc": loc, "msg": message} for loc, message in error.errors]}
        case errors.AlreadyQueued():
            return {"download_id": error.download_id}
        case errors.KeyAlreadyMade():
            return {"key_id": error.key_id}
        case errors.LimitReached():
            resets_at = utc(error.resets_at) if error.resets_at else None
            return {"limit": error.limit, "used": error.used, "resets_at": resets_at}
        case _:
            return {}


def headers_of(error: Exception, *, now: datetime) -> dict[str, str]:
    """Headers that belong to an error."""
    match error:
        case Problem():
            return dict(error.headers)
        case errors.Forbidden():
            return {}
        case errors.Denied():
            return {"WWW-Authenticate": 'Bearer realm="cratekeeper"'}
        case errors.LimitReached():
            wait_s = (error.resets_at - now).total_seconds() if error.resets_at else WAIT_FOR_AN_END_S
            return {"Retry-After": str(max(1, ceil(wait_s)))}
        case errors.Unavailable() | errors.KeyInProgress():
            return {"Retry-After": "1"}
        case _:
            return {}


WAIT_FOR_AN_END_S: Final = 60
"""Retry-After of a full queue of one's own: it ends when a download ends, which nobody can date."""
