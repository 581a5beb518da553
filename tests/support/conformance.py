"""Whether an answer is one that the OpenAPI document tells of: status, code, headers, a body without anything more."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/openapi.json"
UNTOLD = {405, 204}
"""Of every path, told once for all: another method, and OPTIONS."""


@cache
def document() -> dict[str, Any]:
    """The committed document; that it is up to date is a fact test."""
    found: dict[str, Any] = json.loads(DOCUMENT.read_text("utf-8"))
    return found


def faults(key: str, *, status: int, headers: Mapping[str, str], body: str) -> list[str]:
    """How an answer of the route `key` differs from what is told; none where there is no such operation."""
    method, _, path = key.partition(" ")
    operation = document()["paths"].get(path, {}).get(method.lower())
    if operation is None or (status in UNTOLD and str(status) not in operation["responses"]):
        return []
    told = operation["responses"].get(str(status))
    if told and "$ref" in told:
        told = document()["components"]["responses"][told["$ref"].rpartition("/")[2]]
    if told is None:
        return [f"{key}: the status {status} is not told of: {body[:300]}"]
    return [f"{key} {status}: {fault}" for fault in _differences(told, headers, body)]


def _differences(told: Mapping[str, Any], headers: Mapping[str, str], body: str) -> list[str]:
    found = []
    given = {name.lower() for name in headers}
    for name, header in told.get("headers", {}).items():
        required = document()["components"]["headers"][header["$ref"].rpartition("/")[2]].get("required")
        if required and name.lower() not in given:
            found.append(f"the header {name} is missing")
    content = told.get("content", {})
    if not content:
        return [*found, f"a body is not told of: {body[:300]}"] if body else found
    media_type = headers.get("Content-Type", "").partition(";")[0]
    if media_type not in content:
        return [*found, f"{media_type} is not told of"]
    schema = content[media_type]["schema"]
    if "json" in media_type and body and schema.get("type") != "string":
        problems = _validator(json.dumps(schema)).iter_errors(json.loads(body))
        found += [f"{'.'.join(map(str, each.instance_path))}: {each.message}" for each in problems]
    return found


@cache
def _validator(schema: str) -> Any:
    components = {"schemas": {name: _closed(each) for name, each in document()["components"]["schemas"].items()}}
    return jsonschema_rs.validator_for({"components": components, "allOf": [json.loads(schema)]})


def _closed(schema: Any) -> Any:
    """The schema without room for fields that it does not name: callers must bear them, we must tell of them."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _closed(value) for name, value in schema.items()}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made
