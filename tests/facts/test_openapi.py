"""The OpenAPI document is whole: every route is told of, and every example is what its schema says."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from cratekeeper import __version__
from cratekeeper.api.edge import PROBLEM
from cratekeeper.api.problems import SHAPES
from cratekeeper.domain.ids import is_download_id
from docs.openapi.document import ROUTES, document
from docs.openapi.operations import OPERATIONS
from docs.openapi.problems import STATUS
from tests.support.api import handled

Json = dict[str, Any]
DOCUMENT = document()


def operations() -> list[tuple[str, Json]]:
    """Key and operation of each."""
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    ]


every = pytest.mark.parametrize(("key", "operation"), operations(), ids=[key for key, _ in operations()])


def parts(value: Any) -> Iterator[Json]:
    """Every object within."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(each)


def answers(operation: Json) -> dict[str, Json]:
    """The answers of an operation by status; those that are shared are looked up."""
    shared = DOCUMENT["components"]["responses"]
    return {
        status: shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
        for status, answer in operation["responses"].items()
    }


def contents(operation: Json) -> Iterator[tuple[str, Json]]:
    """The body and every answer of an operation that has one: where, and the content."""
    found = {"body": operation.get("requestBody", {}), **answers(operation)}
    return (
        (f"{where} {kind}", each) for where, part in found.items() for kind, each in part.get("content", {}).items()
    )


def check(schema: Json, value: Any) -> None:
    checker = jsonschema_rs.validator_for(
        {"components": DOCUMENT["components"], "allOf": [schema]}, validate_formats=True
    )
    assert [f"{'.'.join(map(str, each.instance_path))}: {each.message}" for each in checker.iter_errors(value)] == []


# --- The whole ------------------------------------------------------------------------


def test_every_route_is_told_of_and_nothing_else() -> None:
    routes = {key for _, key, _ in handled()}
    assert {key for key, _ in operations()} == routes == set(ROUTES) == set(OPERATIONS)


def test_it_says_what_it_is() -> None:
    assert (DOCUMENT["openapi"], DOCUMENT["info"]["version"]) == ("3.1.0", __version__)
    assert "servers" not in DOCUMENT  # it is served where the API is


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    used = {part["$ref"] for part in parts(DOCUMENT) if "$ref" in part}
    there = {
        f"#/components/{kind}/{name}"
        for kind, each in DOCUMENT["components"].items()
        for name in each
        if kind != "securitySchemes"
    }
    assert used == there


def test_every_schema_is_one() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def test_names_are_unique_and_of_one_form() -> None:
    ids = [operation["operationId"] for _, operation in operations()]
    assert len(ids) == len(set(ids))
    assert [each for each in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)*", each)] == []


def test_every_code_has_its_place() -> None:
    told = {
        name for _, operation in operations() for _, each in contents(operation) for name in each.get("examples", {})
    }
    assert {shape.code for shape in SHAPES.values()} - {"limit_reached"} <= told
    assert set(STATUS) - {"limit_reached"} <= told


@pytest.mark.parametrize(
    "text", ["01KAJX8M4T6W9ZC2R5N7Q3B1VD", "01KAJX8M4T6W9ZC2R5N7Q3B1VD-3", "x", "8" * 26, "", "1-1"]
)
def test_the_form_of_an_id_is_the_one_of_the_code(text: str) -> None:
    (schema,) = [each["schema"] for each in DOCUMENT["paths"]["/v1/downloads/{id}"]["get"]["parameters"][:1]]
    assert bool(re.search(schema["pattern"], text)) == is_download_id(text)


# --- Each operation -------------------------------------------------------------------


@every
def test_an_operation_is_told_in_words(key: str, operation: Json) -> None:
    assert 3 <= len(operation["summary"]) <= 60, key
    assert operation["summary"][-1] not in ".`", key
    assert operation["description"].split("\n\n")[0].endswith("."), key
    assert [tag for tag in operation["tags"] if tag not in {each["name"] for each in DOCUMENT["tags"]}] == []


@every
def test_an_operation_says_who_may(key: str, operation: Json) -> None:
    permission = ROUTES[key].permission
    assert operation["security"] == ([{"bearer": []}] if permission else [])
    if permission:
        assert f"`{permission.value}`" in operation["description"]
        assert {"400", "401", "403", "500", "503"} <= operation["responses"].keys()


@every
def test_a_parameter_is_told_in_words_and_bounds(key: str, operation: Json) -> None:
    for parameter in operation["parameters"]:
        found = (
            parameter if "name" in parameter else DOCUMENT["components"]["parameters"][parameter["$ref"].split("/")[-1]]
        )
        assert found["description"], (key, found["name"])
        bounded = {"integer": {"minimum", "maximum"}, "string": set(), "boolean": set()}[found["schema"]["type"]]
        assert bounded <= found["schema"].keys(), (key, found["name"])
        for example in found.get("examples", {}).values():
            check(found["schema"], example["value"])


@every
def test_a_path_parameter_is_declared(key: str, operation: Json) -> None:
    declared = [each["name"] for each in operation["parameters"] if each.get("in") == "path"]
    assert declared == re.findall(r"\{(\w+)\}", key)


@every
def test_every_example_is_what_its_schema_says(key: str, operation: Json) -> None:
    for where, content in contents(operation):
        is_json = where.endswith("json")
        assert content.get("examples") or not is_json or key == "GET /openapi.json", (key, where)
        for name, example in content.get("examples", {}).items():
            found = DOCUMENT["components"]["examples"][name] if "$ref" in example else example
            check(content["schema"], found["value"])


@every
def test_an_error_is_a_problem_with_its_codes(key: str, operation: Json) -> None:
    for status, answer in answers(operation).items():
        if status >= "4":
            (content,) = [each for kind, each in answer["content"].items() if kind == PROBLEM]
            codes = content["schema"]["allOf"][1]["properties"]["code"]["enum"]
            assert {int(STATUS[code]) for code in codes} == {int(status)}, key
            assert [*content["examples"]] == codes


def test_what_creates_takes_an_idempotency_key() -> None:
    takers = {
        key
        for key, operation in operations()
        if {"$ref": "#/components/parameters/Idempotency-Key"} in operation["parameters"]
    }
    downloads = {f"POST /v1/downloads{path}" for path in ("", "/batch", "/discography")}
    people = {"POST /v1/admin/users", "POST /v1/admin/users/{user_id}/keys"}
    assert takers == {*downloads, *people, "POST /v1/plays"}


def test_it_is_no_larger_than_needed() -> None:
    assert len(json.dumps(DOCUMENT)) < 250_000
