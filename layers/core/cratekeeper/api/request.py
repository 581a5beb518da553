"""A request of the HTTP API (payload 2.0), parsed and checked."""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from cratekeeper.api.problems import Problem
from cratekeeper.domain.access import Caller
from cratekeeper.domain.errors import Invalid

MOST_BODY_BYTES: Final = 256 * 1024
DEFAULT_LIMIT: Final = 50
MOST_LIMIT: Final = 200

_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
B = TypeVar("B", bound=BaseModel)
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a view gets. `caller` is None on public routes only."""

    route: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw_body: bytes
    caller: Caller | None = None

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Request":
        """The request of a Lambda event."""
        body = event.get("body") or ""
        return cls(
            route=event.get("routeKey", "$default"),
            path=event.get("pathParameters") or {},
            query=event.get("queryStringParameters") or {},
            headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
            raw_body=b64decode(body) if event.get("isBase64Encoded") else body.encode(),
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

    def body(self, shape: type[B]) -> B:
        """The JSON body as that shape. Raises Invalid naming each wrong field, or Problem 413."""
        if len(self.raw_body) > MOST_BODY_BYTES:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", f"a body holds at most {MOST_BODY_BYTES} bytes"
            )
        try:
            return shape.model_validate_json(self.raw_body)
        except ValidationError as error:
            raise _invalid_body(error) from None

    def only(self, *names: str) -> None:
        """Refuse query parameters that the route does not know: a filter ignored would show too much."""
        unknown = sorted(set(self.query) - set(names))
        if unknown:
            raise Invalid(
                f"unknown query parameter: {', '.join(unknown)}", *((f"query.{name}", "unknown") for name in unknown)
            )

    def choice(self, name: str, shape: type[E]) -> E | None:
        """A query parameter that must be one of an enumeration."""
        given = self.query.get(name)
        if given is None:
            return None
        try:
            return shape(given)
        except ValueError:
            allowed = ", ".join(each.value for each in shape)
            raise Invalid(f"{name} must be one of {allowed}", (f"query.{name}", f"not one of {allowed}")) from None

    def flag(self, name: str) -> bool | None:
        """A query parameter that must be `true` or `false`."""
        given = self.query.get(name)
        if given in {None, "true", "false"}:
            return None if given is None else given == "true"
        raise Invalid(f"{name} must be true or false", (f"query.{name}", "not true or false"))

    def limit(self) -> int:
        """The page size, 1..200."""
        given = self.query.get("limit", str(DEFAULT_LIMIT))
        if re.fullmatch(r"[0-9]{1,4}", given) and 1 <= int(given) <= MOST_LIMIT:
            return int(given)
        raise Invalid(f"limit must be 1 to {MOST_LIMIT}", ("query.limit", f"not a number from 1 to {MOST_LIMIT}"))

    def scope(self, *names: str) -> str:
        """What a cursor of this list is bound to: caller, route, path and filters."""
        filters = {name: self.query[name] for name in names if name in self.query}
        return json.dumps([self.who.user_id, self.route, dict(self.path), filters], sort_keys=True)


def _invalid_body(error: ValidationError) -> Invalid:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    places = [(".".join(["body", *map(str, each["loc"])]), each["msg"]) for each in found]
    return Invalid("; ".join(f"{loc}: {message}" for loc, message in places[:5]), *places[:50])
