"""The one place where requests are identified, routed to their view, and answered."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from cratekeeper.api.parameters import Query
from cratekeeper.api.problems import Problem, body_of, headers_of, shape_of
from cratekeeper.api.request import Request
from cratekeeper.api.routing import Found, find
from cratekeeper.domain.access import Caller, Permission
from cratekeeper.domain.errors import Denied, Forbidden
from cratekeeper.domain.metrics import API_REQUESTS, Measure
from cratekeeper.ports import Clock, Ids, Log, Metrics
from cratekeeper.services.identity import Identity

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
PROTECTED: Final = "v1"
"""Everything below this asks for a key, also what does not exist."""


class Content(NamedTuple):
    """A body that is sent as it is: a file; `encoding` is how it is packed."""

    data: bytes
    media_type: str
    encoding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a view answers; without a body for 204."""

    body: BaseModel | Content | None
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    has_etag: bool = False


View = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A view and the permission it asks for; None = public.

    Args:
        query: what the query parameters must be; those of a public route are not looked at.
        body: what the body must be; None = it is not looked at.
    """

    view: View
    permission: Permission | None
    _: KW_ONLY
    query: type[BaseModel] = Query
    body: type[BaseModel] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Answers HTTP API events. API Gateway has chosen the function; method and path choose the view in its table.

    Args:
        routes: by key, such as `GET /v1/downloads/{id}`. Another path is a 404, another method a 405.
        identity: who calls.
    """

    routes: Mapping[str, Route]
    identity: Identity
    clock: Clock
    ids: Ids
    log: Log
    metrics: Metrics

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The response to an event; every error becomes a problem document."""
        request = Request.of(event)
        request_id = request.request_id or self.ids.nonce()
        try:
            route, request = self._routed(request)
            response = _rendered(self._view(route, request), request)
        except Exception as error:  # noqa: BLE001 - the edge: what was not foreseen is a 500 with its line in the log
            response = self._problem(error, request_id)
        response["headers"] = {"Cache-Control": "no-store", **response["headers"], "X-Request-ID": request_id}
        if request.method == "HEAD":
            response["body"] = ""
        self.log.info("request", route=request.route, status=response["statusCode"], request_id=request_id)
        self.metrics.emit(Measure(API_REQUESTS, [1], {"Status": f"{response['statusCode'] // 100}xx"}))
        return response

    def _routed(self, request: Request) -> tuple[Route, Request]:
        """The route, and the request with its key and parameters. Raises Problem 404 or 405.

        Below /v1, who has no key learns nothing of what is there: 401 comes first.
        """
        found = find(self.routes, request.raw_path)
        key = found and found.methods.get("GET" if request.method == "HEAD" else request.method)
        if found and key:
            return self.routes[key], replace(request, route=key, path=found.parameters)
        if found and request.method == "OPTIONS":
            return Route(lambda _: _allowing(found), None), request
        if request.raw_path.split("/")[1] == PROTECTED:
            self._identified(request)
        raise _unknown(found)

    def _view(self, route: Route, request: Request) -> Answer:
        if route.permission is None:
            return route.view(request)
        caller = self._identified(request)
        if not caller.may(route.permission):
            raise Forbidden(f"this needs the permission {route.permission.value}")
        return route.view(replace(request, caller=caller).checked_by(route.query, route.body))

    def _identified(self, request: Request) -> Caller:
        if request.token is None:
            raise Denied("send `Authorization: Bearer <API key>`")
        return self.identity.caller_of(request.token)

    def _problem(self, error: Exception, request_id: str) -> dict[str, Any]:
        now, status = self.clock.now(), shape_of(error).status
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.warning("request_failed", request_id=request_id, error=repr(error))
        body = json.dumps(body_of(error, request_id=request_id, now=now), ensure_ascii=False).encode()
        return _response(status, body, {"Content-Type": PROBLEM, **headers_of(error, now=now)})


def _unknown(found: Found | None) -> Problem:
    """404, or 405 where the path is known."""
    if found is None:
        return Problem(HTTPStatus.NOT_FOUND, "unknown_route", "there is no such route")
    allow = _allow(found)
    detail = f"the route answers {allow}"
    return Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail, headers={"Allow": allow})


def _allowing(found: Found) -> Answer:
    """The answer to OPTIONS: it carries no key, since browsers ask so before they send one."""
    return Answer(body=None, status=HTTPStatus.NO_CONTENT, headers={"Allow": _allow(found)})


def _allow(found: Found) -> str:
    implied = {"OPTIONS", "HEAD"} if "GET" in found.methods else {"OPTIONS"}
    return ", ".join(sorted({*found.methods} | implied))


def _rendered(answer: Answer, request: Request) -> dict[str, Any]:
    if answer.body is None:
        return _response(answer.status, b"", answer.headers)
    body = answer.body if isinstance(answer.body, Content) else _json(answer.body)
    headers = {"Content-Type": body.media_type, **answer.headers}
    if answer.has_etag:
        headers["ETag"] = f'"{sha256(body.data).hexdigest()[:32]}"'
        if _matches(request.headers.get("if-none-match", ""), headers["ETag"]):
            return _response(HTTPStatus.NOT_MODIFIED, b"", {"ETag": headers["ETag"]})
    if body.encoding:
        headers["Content-Encoding"] = body.encoding
    return _response(answer.status, body.data, headers)


def _json(body: BaseModel) -> Content:
    return Content(body.model_dump_json(by_alias=True).encode(), JSON)


def _matches(wanted: str, etag: str) -> bool:
    """If-None-Match, which compares weakly (RFC 9110, 13.1.2)."""
    return wanted.strip() == "*" or etag in [each.strip().removeprefix("W/") for each in wanted.split(",")]


def _response(status: HTTPStatus, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """As Lambda hands it to API Gateway: text, or Base64 where it is packed."""
    if "Content-Encoding" not in headers:
        return {"statusCode": int(status), "headers": dict(headers), "body": body.decode()}
    packed = {"body": b64encode(body).decode(), "isBase64Encoded": True}
    return {"statusCode": int(status), "headers": dict(headers), **packed}
