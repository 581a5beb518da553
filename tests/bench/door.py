"""The HTTP functions in this process, called as API Gateway calls them, whatever ports stand behind."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import pytest

from cratekeeper import bootstrap
from cratekeeper.bootstrap import adapters
from cratekeeper.domain.access import Role
from cratekeeper.services.identity import Identity
from tests.memory.identities import MemoryIdentities
from tests.memory.records import MemorySecrets
from tests.support import gateway

CALLERS: Final = {"alice": Role.USER, "root": Role.ADMIN}


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: its route with the path filled in, who asks, and parts of the event."""

    route: str
    by: str = "alice"
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Door:
    """Where requests come in; each of CALLERS has a key, and is known already."""

    keys: Mapping[str, str]

    def event(self, ask: Ask) -> dict[str, Any]:
        """As API Gateway sends it."""
        method, _, path = ask.route.partition(" ")
        return {
            "version": "2.0",
            "routeKey": gateway.route_of(method, path)[0],
            "rawPath": path,
            "headers": {"authorization": f"Bearer {self.keys[ask.by]}", **ask.headers},
            "requestContext": {"http": {"method": method, "path": path}},
            **({"queryStringParameters": dict(ask.query)} if ask.query else {}),
            **({} if ask.body is None else {"body": json.dumps(ask.body)}),
        }

    def call(self, ask: Ask) -> Any:
        """The body of the answer, None if it has none. Raises AssertionError for a refusal."""
        answer = self.prepared(ask)()
        assert answer["statusCode"] < 400, (ask, answer)
        return json.loads(answer["body"]) if answer["body"] else None

    def prepared(self, ask: Ask) -> Callable[[], dict[str, Any]]:
        """Lambda's entry with the event: what a call of it takes is the function's own."""
        method, _, path = ask.route.partition(" ")
        handler: Any = import_module(f"functions.{gateway.route_of(method, path)[1]}.handler")
        return partial(handler.handler, self.event(ask), None)


@contextmanager
def opened(**built: object) -> Iterator[Door]:
    """The functions on what `bootstrap` builds; callers are kept in memory: looking them up is no part of a request.

    `built` replaces adapters by name.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"secrets": MemorySecrets(), **built}.items():
            for module in _naming(name):
                patch.setattr(module, name, lambda value=value: value)
        people = Identity(
            identities=MemoryIdentities(), secrets=MemorySecrets(), clock=adapters.clock(), ids=adapters.ids()
        )
        patch.setattr(bootstrap, "identity", lambda: people)
        yield Door({name: people.create_key(name, role).key for name, role in CALLERS.items()})


def _naming(name: str) -> list[ModuleType]:
    """The modules of `bootstrap` that know a builder by its name."""
    found = [module for path, module in sys.modules.items() if path.startswith(bootstrap.__name__)]
    return [module for module in found if name in vars(module)]
