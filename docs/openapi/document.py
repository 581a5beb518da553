"""The document: made from the route tables of the functions."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel

from cratekeeper import __version__
from cratekeeper.api.edge import Route
from docs.openapi import problems, schemas
from docs.openapi.operation import Examples, Operation
from docs.openapi.operations import OPERATIONS
from docs.openapi.texts import DESCRIPTION, HEADERS, PARAMETERS, PATH_PARAMETERS, TAGS
from functions.admin.handler import ROUTES as ADMIN
from functions.requests.handler import ROUTES as REQUESTS
from functions.search.handler import ROUTES as SEARCH

ROUTES: Final[Mapping[str, Route]] = {**REQUESTS, **SEARCH, **ADMIN}
JSON: Final = "application/json"
Json = dict[str, Any]


def document() -> Json:
    """OpenAPI 3.1. Raises KeyError for a route that nothing is said about."""
    paths: Json = {}
    for key in sorted(ROUTES, key=_order):
        method, _, path = key.partition(" ")
        paths.setdefault(path, {})[method.lower()] = _operation(key, ROUTES[key], OPERATIONS[key])
    errors, examples = problems.components(_codes(key, route, OPERATIONS[key]) for key, route in ROUTES.items())
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cratekeeper",
            "version": __version__,
            "summary": "A download manager that fills a media library and keeps it whole",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": problems.SCHEMA, **_components()},
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "responses": errors,
            "examples": examples,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key: `ck_` and what follows. It is shown once, when it is made.",
                }
            },
        },
    }


def _order(key: str) -> tuple[int, int, str]:
    """By tag, then by the order in which the operations are told."""
    return [*TAGS].index(OPERATIONS[key].tag), [*OPERATIONS].index(key), key


def _components() -> Json:
    shown = [OPERATIONS[key] for key in ROUTES]
    answers = dict.fromkeys(each.answer for each in shown if each.answer)
    bodies = dict.fromkeys(route.body for route in ROUTES.values() if route.body)
    return schemas.components(answers, bodies)


def _operation(key: str, route: Route, told: Operation) -> Json:
    made: Json = {
        "operationId": told.id,
        "summary": told.summary,
        "description": told.description,
        "tags": [told.tag],
        "security": [{"bearer": []}] if route.permission else [],
        "parameters": [*_path_parameters(key), *_query_parameters(route.query), *_header_parameters(told)],
    }
    if route.permission:
        made["description"] += f"\n\nPermission: `{route.permission.value}`."
    if route.body:
        made["requestBody"] = _request_body(route.body, told.sent)
    made["responses"] = {**_successes(told), **problems.responses(_codes(key, route, told))}
    return made


def _codes(key: str, route: Route, told: Operation) -> Iterator[str]:
    """What an operation may refuse with: what follows from its declaration, and what is said."""
    yield from told.codes
    if route.permission:
        yield from ("unauthorized", "forbidden", "invalid_request", "unavailable", "internal_error")
    if route.body:
        yield "body_too_large"
    if "{" in key:
        yield from ("not_found", "unknown_route")  # a slash in a parameter, however it is written, is another path


def _path_parameters(key: str) -> Iterator[Json]:
    for name in re.findall(r"\{(\w+)\}", key):
        yield {"name": name, "in": "path", "required": True, **PATH_PARAMETERS[name]}


def _query_parameters(query: type[BaseModel]) -> Iterator[Json]:
    made = schemas.components([], [query])
    shape = made[schemas.name_of(query.__name__)]
    for name, declared in shape.get("properties", {}).items():
        schema = _inlined(schemas.without_null(declared), made)
        description = schema.pop("description", "")
        parameter = {"name": name, "in": "query", "required": name in shape.get("required", ())}
        yield {**parameter, "description": description, "schema": schema}


def _inlined(schema: Json, made: Json) -> Json:
    """A parameter's schema says all by itself; an enumeration is short."""
    reference = schema.pop("$ref", None)
    if reference:
        shared = made[reference.removeprefix(schemas.REFERENCE)]
        return {**{name: value for name, value in shared.items() if name != "description"}, **schema}
    return schema


def _header_parameters(told: Operation) -> Iterator[Json]:
    yield {"$ref": "#/components/parameters/X-Request-ID"}
    if told.is_idempotent_by_key:
        yield {"$ref": "#/components/parameters/Idempotency-Key"}
    if told.has_etag:
        yield {"$ref": "#/components/parameters/If-None-Match"}


def _request_body(body: type[BaseModel], sent: Examples) -> Json:
    needs_some = any(each.is_required() for each in body.model_fields.values())
    return {"required": needs_some, "content": {JSON: _content(schemas.reference(body), sent)}}


def _successes(told: Operation) -> Json:
    headers: Json = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}
    headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in told.headers}
    if told.has_etag:
        headers["ETag"] = {"$ref": "#/components/headers/ETag"}
    found: Json = {"description": told.status.phrase, "headers": headers}
    if told.answer:
        found["content"] = {JSON: _content(schemas.reference(told.answer), told.got)}
    elif told.status is not HTTPStatus.NO_CONTENT:
        found["content"] = {
            each: {"schema": {"type": "object" if each == JSON else "string"}} for each in told.media_types
        }
    if told.links:
        found["links"] = told.links
    successes = {str(int(told.status)): found}
    if told.redirects:
        location = {"Location": {"$ref": "#/components/headers/Link"}}
        successes["302"] = {"description": "Found: the link", "headers": {**headers, **location}}
    if told.has_etag:
        successes["304"] = {"description": "Not Modified: the ETag is the one that was sent", "headers": headers}
    return successes


def _content(schema: Json, examples: Examples) -> Json:
    content: Json = {"schema": schema}
    if examples:
        named = {re.sub(r"\W+", "_", words.lower()): (words, value) for words, value in examples.items()}
        content["examples"] = {name: {"summary": words, "value": value} for name, (words, value) in named.items()}
    return content
