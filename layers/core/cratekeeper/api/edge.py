"""The one place where requests are identified, routed to their view, and answered."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel

from cratekeeper.api.problems import Problem, body_of, headers_of, shape_of
from cratekeeper.api.request import Request
from cratekeeper.domain.access import Caller, Permission
from cratekeeper.domain.errors import Denied, Forbidden
from cratekeeper.ports import Clock, Ids, Log
from cratekeeper.services.identity import Identity

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a view answers."""

    body: BaseModel
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    has_etag: bool = False


View = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A view and the permission it asks for; None = public."""

    view: View
    permission: Permission | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Answers HTTP API events. API Gateway has matched the route: its key picks the view.

    Args:
        routes: by route key, such as `GET /v1/downloads/{id}`; every other one is a 404.
        identity: who calls.
    """

    routes: Mapping[str, Route]
    identity: Identity
    clock: Clock
    ids: Ids
    log: Log

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The response to an event; every error becomes a problem document."""
        request = Request.of(event)
        request_id = request.request_id or self.ids.nonce()
        try:
            answer = self._view(request)
            response = _rendered(answer, request)
        except Exception as error:  # noqa: BLE001 - the edge: what was not foreseen is a 500 with its line in the log
            response = self._problem(error, request_id)
        response["headers"] |= {"X-Request-ID": request_id, "Cache-Control": "no-store"}
        self.log.info("request", route=request.route, status=response["statusCode"], request_id=request_id)
        return response

    def _view(self, request: Request) -> Answer:
        route = self.routes.get(request.route)
        if route is None:
            raise Problem(HTTPStatus.NOT_FOUND, "unknown_route", "there is no such route")
        if route.permission is not None:
            request = replace(request, caller=self._caller(request, route.permission))
        return route.view(request)

    def _caller(self, request: Request, permission: Permission) -> Caller:
        token = request.token
        if token is None:
            raise Denied("send `Authorization: Bearer <API key>`")
        caller = self.identity.caller_of(token)
        if not caller.may(permission):
            raise Forbidden(f"this needs the permission {permission.value}")
        return caller

    def _problem(self, error: Exception, request_id: str) -> dict[str, Any]:
        now, status = self.clock.now(), shape_of(error).status
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.warning("request_failed", request_id=request_id, error=repr(error))
        body = json.dumps(body_of(error, request_id=request_id, now=now), ensure_ascii=False)
        return _response(status, body, {"Content-Type": PROBLEM, **headers_of(error, now=now)})


def _rendered(answer: Answer, request: Request) -> dict[str, Any]:
    body = answer.body.model_dump_json(by_alias=True)
    headers = {"Content-Type": JSON, **answer.headers}
    if answer.has_etag:
        headers["ETag"] = f'"{sha256(body.encode()).hexdigest()[:32]}"'
        if _matches(request.headers.get("if-none-match", ""), headers["ETag"]):
            return _response(HTTPStatus.NOT_MODIFIED, "", {"ETag": headers["ETag"]})
    return _response(answer.status, body, headers)


def _matches(wanted: str, etag: str) -> bool:
    """If-None-Match, which compares weakly (RFC 9110, 13.1.2)."""
    return wanted.strip() == "*" or etag in [each.strip().removeprefix("W/") for each in wanted.split(",")]


def _response(status: HTTPStatus, body: str, headers: Mapping[str, str]) -> dict[str, Any]:
    return {"statusCode": int(status), "headers": dict(headers), "body": body}
