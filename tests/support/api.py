"""The HTTP functions on a world in memory, called as API Gateway calls them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pytest

from cratekeeper import bootstrap
from cratekeeper.api.cursors import Cursors
from cratekeeper.api.edge import Edge, Route
from cratekeeper.api.routing import find
from cratekeeper.bootstrap import library, operating, people, upkeep
from cratekeeper.config import Settings
from cratekeeper.domain.access import Role
from cratekeeper.services.together import Together
from tests.support import gateway
from tests.support.conformance import faults
from tests.support.crate import Crate
from tests.support.library import shelf_of
from tests.support.operating import operated
from tests.support.upkeep import kept

USERS = {"alice": Role.USER, "bob": Role.USER, "eve": Role.VIEWER, "root": Role.ADMIN}


def handled() -> list[tuple[str, str, Route]]:
    """Folder, key and route of every view of every function."""
    folders = sorted(set(gateway.routes().values()))
    tables = [(folder, import_module(f"functions.{folder}.handler").ROUTES) for folder in folders]
    return [(folder, key, route) for folder, table in tables for key, route in table.items()]


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
    """Everything that a caller can do; each of USERS has a key. Every answer must be one that the document tells of."""

    crate: Crate
    keys: dict[str, str] = field(default_factory=dict)

    def call(self, route: str, *, by: str | None = "alice", **more: Any) -> Response:
        """Call `GET /v1/downloads` and the like; `more` are parts of the event (headers, query, body, raw)."""
        method, _, path = route.partition(" ")
        headers = {name.lower(): value for name, value in more.get("headers", {}).items()}
        if by is not None:
            headers.setdefault("authorization", f"Bearer {self.keys[by]}")
        body = more.get("raw", json.dumps(more["body"]) if "body" in more else None)
        key, folder = gateway.route_of(method, path)
        event = {
            "version": "2.0",
            "routeKey": key,
            "rawPath": path,
            "headers": headers,
            "requestContext": {"http": {"method": method, "path": path}},
            "queryStringParameters": more.get("query"),
            "body": body,
            "isBase64Encoded": False,
        }
        handler = import_module(f"functions.{folder}.handler")
        answer = handler.handler({name: value for name, value in event.items() if value is not None}, None)
        found = find(handler.ROUTES, "/" + path.lstrip("/"))
        key = found.methods.get(method, key) if found else key
        differences = faults(key, status=answer["statusCode"], headers=answer["headers"], body=answer["body"])
        assert differences == [], differences
        return Response(answer["statusCode"], answer["headers"], answer["body"])


def api_on(crate: Crate, monkeypatch: pytest.MonkeyPatch, *, provider_url: str = "http://provider.test") -> Api:
    """The functions' views with the services of a crate behind them."""

    def edge(routes: Mapping[str, Route]) -> Edge:
        world = crate.world
        return Edge(
            routes=routes,
            identity=crate.identity,
            clock=world.clock,
            ids=world.ids,
            log=world.log,
            metrics=world.metrics,
        )

    monkeypatch.setattr(bootstrap, "edge", edge)
    monkeypatch.setattr(bootstrap, "requests", lambda: crate.requests)
    monkeypatch.setattr(bootstrap, "queries", lambda: crate.queries)
    monkeypatch.setattr(bootstrap, "batches", lambda: crate.batches)
    monkeypatch.setattr(bootstrap, "discovery", lambda: crate.discovery)
    monkeypatch.setattr(bootstrap, "idempotency", lambda: crate.idempotency)
    monkeypatch.setattr(bootstrap, "steer", lambda: crate.steer)
    monkeypatch.setattr(bootstrap, "explain", lambda: crate.explain)
    monkeypatch.setattr(bootstrap, "together", lambda: Together(steer=crate.steer))
    shelf = shelf_of(crate.world)
    monkeypatch.setattr(library, "catalog", lambda: shelf.catalog)
    monkeypatch.setattr(library, "links", lambda: shelf.links)
    monkeypatch.setattr(library, "listening", lambda: shelf.listening)
    monkeypatch.setattr(library, "charts", lambda: shelf.charts)
    for name, service in vars(operated(crate)).items():
        monkeypatch.setattr(operating, name, lambda service=service: service)
    jobs = kept(crate).jobs
    monkeypatch.setattr(upkeep, "jobs", lambda: jobs)
    monkeypatch.setattr(people, "audit", lambda: crate.audit)
    monkeypatch.setattr(people, "users", lambda: crate.users)
    monkeypatch.setattr(bootstrap, "cursors", lambda: Cursors(b"secret of the tests"))
    monkeypatch.setattr(bootstrap, "settings", lambda: Settings.load({"PROVIDER_URL": provider_url}))
    return Api(crate, {user: crate.identity.create_key(user, role).key for user, role in USERS.items()})
