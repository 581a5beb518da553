"""The HTTP functions on a world in memory, called as API Gateway calls them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from cratekeeper import bootstrap
from cratekeeper.api.cursors import Cursors
from cratekeeper.api.edge import Edge, Route
from cratekeeper.config import Settings
from cratekeeper.domain.access import Role
from functions.requests import handler as requests
from functions.search import handler as search
from tests.support.crate import Crate

HANDLERS = (requests, search)
USERS = {"alice": Role.USER, "bob": Role.USER, "eve": Role.VIEWER, "root": Role.ADMIN}


@dataclass(frozen=True, slots=True)
class Response:
    """What a caller gets."""

    status: int
    headers: Mapping[str, str]
    raw: str

    @property
    def body(self) -> Any:
        """The JSON document."""
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        """The code of a problem."""
        code: str = self.body["code"]
        return code


@dataclass(slots=True)
class Api:
    """Everything that a caller can do; each of USERS has a key."""

    crate: Crate
    keys: dict[str, str] = field(default_factory=dict)

    def call(self, route: str, *, by: str | None = "alice", **more: Any) -> Response:
        """Call `GET /v1/downloads` and the like; `more` are parts of the event (headers, query, body, raw)."""
        method, _, path = route.partition(" ")
        headers = {name.lower(): value for name, value in more.get("headers", {}).items()}
        if by is not None:
            headers.setdefault("authorization", f"Bearer {self.keys[by]}")
        body = more.get("raw", json.dumps(more["body"]) if "body" in more else None)
        handler, key, parameters = _routed(method, path)
        event = {
            "version": "2.0",
            "routeKey": key,
            "rawPath": path,
            "headers": headers,
            "pathParameters": parameters,
            "queryStringParameters": more.get("query"),
            "body": body,
            "isBase64Encoded": False,
        }
        answer = handler.handler({name: value for name, value in event.items() if value is not None}, None)
        return Response(answer["statusCode"], answer["headers"], answer["body"])


def api_on(crate: Crate, monkeypatch: pytest.MonkeyPatch, *, provider_url: str = "http://provider.test") -> Api:
    """The functions' views with the services of a crate behind them."""

    def edge(routes: Mapping[str, Route]) -> Edge:
        world = crate.world
        return Edge(routes=routes, identity=crate.identity, clock=world.clock, ids=world.ids, log=world.log)

    monkeypatch.setattr(bootstrap, "edge", edge)
    monkeypatch.setattr(bootstrap, "requests", lambda: crate.requests)
    monkeypatch.setattr(bootstrap, "queries", lambda: crate.queries)
    monkeypatch.setattr(bootstrap, "cursors", lambda: Cursors(b"secret of the tests"))
    monkeypatch.setattr(bootstrap, "settings", lambda: Settings.load({"PROVIDER_URL": provider_url}))
    return Api(crate, {user: crate.identity.create_key(user, role).key for user, role in USERS.items()})


def _routed(method: str, path: str) -> tuple[Any, str, dict[str, str] | None]:
    """The function, the route's key and the path's parameters, as API Gateway finds them."""
    for handler in HANDLERS:
        for key in handler.ROUTES:
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", key)
            found = re.fullmatch(pattern, f"{method} {path}")
            if found:
                return handler, key, found.groupdict() or None
    return search, "$default", None
