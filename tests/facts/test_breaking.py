"""No change of the HTTP API breaks who uses it, seen from docs/openapi.baseline.json, the document of a release."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from docs.generate import BASELINE
from docs.openapi.compare import breaking
from docs.openapi.document import document
from tests.facts.tree import ROOT

Json = dict[str, Any]
HOW = "meant? Say it in CHANGELOG.md, then: make docs ARGS=--release"


def test_the_api_breaks_nobody() -> None:
    baseline = json.loads((ROOT / BASELINE).read_text("utf-8"))
    assert breaking(baseline, document()) == [], HOW


# --- The comparison itself ------------------------------------------------------------


def a_document() -> Json:
    """Small, but with all that is compared."""
    thing = {
        "type": "object",
        "required": ["id", "state", "size"],
        "properties": {
            "id": {"type": "string"},
            "state": {"enum": ["ON", "OFF"], "type": "string"},
            "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "note": {"type": "string"},
            "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
        },
    }
    wish = {
        "type": "object",
        "additionalProperties": False,
        "required": ["kind"],
        "properties": {
            "kind": {"enum": ["a", "b"], "type": "string"},
            "count": {"type": "integer", "minimum": 1, "maximum": 9},
            "name": {"anyOf": [{"type": "string", "maxLength": 20}, {"type": "null"}]},
        },
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
    operation = {
        "operationId": "make",
        "security": [{"bearer": []}],
        "parameters": [
            {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer", "maximum": 200}},
            {"$ref": "#/components/parameters/Key"},
        ],
        "requestBody": {
            "required": False,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Wish"}}},
        },
        "responses": {
            "200": {"headers": {"ETag": {}}, "content": content},
            "404": {"content": {}},
        },
    }
    problem = {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}}
    return {
        "paths": {"/things": {"post": operation, "get": copy.deepcopy(operation) | {"security": []}}},
        "components": {
            "schemas": {"Thing": thing, "Wish": wish, "Problem": problem},
            "parameters": {"Key": {"name": "Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}},
        },
    }


def post(document: Json) -> Json:
    found: Json = document["paths"]["/things"]["post"]
    return found


def thing(document: Json) -> Json:
    found: Json = document["components"]["schemas"]["Thing"]
    return found


def wish(document: Json) -> Json:
    found: Json = document["components"]["schemas"]["Wish"]
    return found


BREAKING: dict[str, tuple[Callable[[Json], Any], str]] = {
    "a path": (lambda new: new["paths"].pop("/things"), "POST /things: is gone"),
    "a method": (lambda new: new["paths"]["/things"].pop("post"), "POST /things: is gone"),
    "a name for clients": (lambda new: post(new).update(operationId="create"), "operationId was make, is create"),
    "a key": (lambda new: new["paths"]["/things"]["get"].update(security=[{}]), "GET /things: asks for a key now"),
    "a parameter": (lambda new: post(new)["parameters"].pop(0), "query limit: is gone"),
    "a smaller bound": (
        lambda new: post(new)["parameters"][0]["schema"].update(maximum=100),
        "query limit: may not be more than maximum 100 any more",
    ),
    "a bound where there was none": (
        lambda new: post(new)["parameters"][0]["schema"].update(minimum=1),
        "query limit: may not be less than minimum 1 any more",
    ),
    "a required parameter": (
        lambda new: post(new)["parameters"].append({
            "name": "q",
            "in": "query",
            "required": True,
            "schema": {"type": "string"},
        }),
        "query q: is required now",
    ),
    "a required header": (
        lambda new: new["components"]["parameters"]["Key"].update(required=True),
        "header Key: is required now",
    ),
    "a required body": (lambda new: post(new)["requestBody"].update(required=True), "body: is required now"),
    "a media type of the body": (
        lambda new: post(new)["requestBody"].update(content={"text/plain": {}}),
        "body: application/json is gone",
    ),
    "a required field": (
        lambda new: wish(new)["required"].append("count"),
        "body, count: may not be nothing any more",
    ),
    "a field that is sent": (lambda new: wish(new)["properties"].pop("count"), "body, count: may not be it at all"),
    "a value that is sent": (
        lambda new: wish(new)["properties"]["kind"].update(enum=["a"]),
        "body, kind: may not be b any more",
    ),
    "a narrower type": (
        lambda new: wish(new)["properties"].update(name={"type": "string", "maxLength": 20}),
        "body, name: may not be null any more",
    ),
    "a shorter name": (
        lambda new: wish(new)["properties"]["name"]["anyOf"][0].update(maxLength=10),
        "body, name: may not be more than maxLength 10 any more",
    ),
    "a pattern": (
        lambda new: wish(new)["properties"]["name"]["anyOf"][0].update(pattern="^a"),
        "body, name: may not be another pattern than ^a any more",
    ),
    "an enumeration where there was none": (
        lambda new: wish(new)["properties"]["count"].update(enum=[1, 2]),
        "body, count: may not be other values than 1, 2 any more",
    ),
    "a status": (lambda new: post(new)["responses"].pop("200"), "200: is gone"),
    "a header of the answer": (
        lambda new: post(new)["responses"]["200"].update(headers={}),
        "200, header ETag: is gone",
    ),
    "a media type": (
        lambda new: post(new)["responses"]["200"].update(content={}),
        "200: application/json is gone",
    ),
    "a field that always came": (
        lambda new: (thing(new)["properties"].pop("id"), thing(new)["required"].remove("id")),
        "200, id: is gone",
    ),
    "a field that came at times": (lambda new: thing(new)["properties"].pop("note"), "200, note: is gone"),
    "a field that need not come now": (
        lambda new: thing(new)["required"].remove("id"),
        "200, id: may be nothing now, and was not",
    ),
    "a value that comes": (
        lambda new: thing(new)["properties"]["state"]["enum"].append("BROKEN"),
        "200, state: may be BROKEN now, and was not",
    ),
    "a wider type": (
        lambda new: thing(new)["properties"].update(id={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        "200, id: may be null now, and was not",
    ),
    "another type": (
        lambda new: thing(new)["properties"].update(id={"type": "integer"}),
        "200, id: may be integer now, and was not",
    ),
    "a field of every error": (
        lambda new: new["components"]["schemas"]["Problem"].update(required=[], properties={}),
        "every error, code: may be nothing now, and was not",
    ),
}


@pytest.mark.parametrize(("change", "said"), BREAKING.values(), ids=BREAKING)
def test_a_change_that_breaks_callers_is_named(change: Callable[[Json], Any], said: str) -> None:
    new = a_document()
    change(new)
    assert any(said in line for line in breaking(a_document(), new)), breaking(a_document(), new)


HARMLESS: dict[str, Callable[[Json], Any]] = {
    "nothing": lambda _: None,
    "a new path": lambda new: new["paths"].update({"/more": {"get": {}}}),
    "a new optional parameter": lambda new: post(new)["parameters"].append({
        "name": "q",
        "in": "query",
        "schema": {"type": "string"},
    }),
    "a larger bound": lambda new: post(new)["parameters"][0]["schema"].update(maximum=500),
    "a new optional field to send": lambda new: wish(new)["properties"].update(more={"type": "string"}),
    "a new value to send": lambda new: wish(new)["properties"]["kind"]["enum"].append("c"),
    "a field that need not be sent now": lambda new: wish(new).update(required=[]),
    "a wider type to send": lambda new: wish(new)["properties"]["count"].update(type="number"),
    "a new field that comes": lambda new: (
        thing(new)["properties"].update(more={"type": "string"}),
        thing(new)["required"].append("more"),
    ),
    "a value that comes no more": lambda new: thing(new)["properties"]["state"].update(enum=["ON"]),
    "a narrower type that comes": lambda new: thing(new)["properties"].update(size={"type": "integer"}),
    "no key any more": lambda new: post(new).update(security=[]),
    "an error more or less": lambda new: post(new)["responses"].update({"409": post(new)["responses"].pop("404")}),
    "words": lambda new: post(new).update(summary="Other words"),
}


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_a_change_that_breaks_nobody_is_none(change: Callable[[Json], Any]) -> None:
    new = a_document()
    change(new)
    assert breaking(a_document(), new) == []
