"""A request of the HTTP API (payload 2.0), parsed and checked."""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from cratekeeper.api.problems import Problem
from cratekeeper.domain.access import Caller
from cratekeeper.domain.errors import Invalid

MOST_BODY_BYTES: Final = 256 * 1024
_PAGE: Final = frozenset({"limit", "cursor"})
_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a view gets. `caller` is None on public routes only.

    `route` is the key of the route, such as `GET /v1/downloads/{id}`; until the edge has found it, and where there is
    none, API Gateway's own. `path` holds the route's parameters, `raw_path` the whole path, both decoded once.
    """

    route: str
    method: str
    raw_path: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw_body: bytes
    caller: Caller | None = None
    checked: Mapping[type[BaseModel], BaseModel] = field(default_factory=dict)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Request":
        """The request of a Lambda event."""
        body = event.get("body") or ""
        http = event.get("requestContext", {}).get("http", {})
        return cls(
            route=event.get("routeKey", "$default"),
            method=http.get("method", "GET"),
            raw_path=_path_of(event),
            path={},
            query=event.get("queryStringParameters") or {},
            headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
            raw_body=b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass"),
        )

    @property
    def who(self) -> Caller:
        """The caller of a route that is not public."""
        if self.caller is None:
            raise RuntimeError(f"{self.route} is public and has no caller")
        return self.caller

    @property
    def token(self) -> str | None:
        """The bearer token, if the header has one in the right form."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None

    @property
    def request_id(self) -> str | None:
        """The caller's own request id, if it can be echoed."""
        given = self.headers.get("x-request-id", "")
        return given if _REQUEST_ID.fullmatch(given) else None

    def checked_by(self, query: type[BaseModel], body: type[BaseModel] | None) -> "Request":
        """The request with its body and query as the route declares them. Raises as `body` and `params`."""
        self._bounded()
        bodies = {body: self.body(body)} if body else {}
        return replace(self, checked={**bodies, query: self.params(query)})

    def params(self, shape: type[B]) -> B:
        """The query parameters as that shape. Raises Invalid naming each wrong one."""
        found = self.checked.get(shape)
        if isinstance(found, shape):
            return found
        try:
            return shape.model_validate(dict(self.query))
        except ValidationError as error:
            raise _invalid("query", error) from None

    def body(self, shape: type[B]) -> B:
        """The JSON body as that shape, of none an empty one. Raises Problem 413, or Invalid naming each wrong field."""
        found = self.checked.get(shape)
        if isinstance(found, shape):
            return found
        self._bounded()
        try:
            return shape.model_validate_json(self.raw_body or b"{}")
        except ValidationError as error:
            raise _invalid("body", error) from None

    def _bounded(self) -> None:
        if len(self.raw_body) > MOST_BODY_BYTES:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", f"a body holds at most {MOST_BODY_BYTES} bytes"
            )

    def scope(self) -> str:
        """What a cursor of this list is bound to: caller, route, path and filters, which is all but where a page is."""
        filters = {name: given for name, given in self.query.items() if name not in _PAGE}
        return json.dumps([self.who.user_id, self.route, dict(self.path), filters], sort_keys=True)


def _path_of(event: Mapping[str, Any]) -> str:
    """The path, each of its escapes decoded exactly once, with one slash before it.

    API Gateway has decoded all of them but `%25`, and chose the function as if there were no further slashes before.
    """
    return "/" + str(event.get("rawPath", "/")).lstrip("/").replace("%25", "%")


def _invalid(part: str, error: ValidationError) -> Invalid:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    places = [(".".join([part, *map(str, each["loc"])]), each["msg"]) for each in found]
    return Invalid("; ".join(f"{loc}: {message}" for loc, message in places[:5]), *places[:50])
