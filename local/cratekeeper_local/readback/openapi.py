"""The routes that SAM writes into an API's OpenAPI body, which the emulator does not read."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cratekeeper_local.readback.edge import function_in
from cratekeeper_local.readback.resource import Properties

_INTEGRATION: Final = "x-amazon-apigateway-integration"
_CORS: Final = "x-amazon-apigateway-cors"
_ANY: Final = "x-amazon-apigateway-any-method"
_DEFAULT: Final = "$default"
_METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", _ANY})


def as_routes(properties: Mapping[str, Any]) -> Properties:
    """An API's properties with `Routes` and `CorsConfiguration` in place of `Body`."""
    body = properties["Body"]
    kept = {name: value for name, value in properties.items() if name != "Body"}
    kept["Routes"] = list(_routes(body["paths"]))
    if _CORS in body:
        kept["CorsConfiguration"] = {name[0].upper() + name[1:]: value for name, value in body[_CORS].items()}
    return kept


def _routes(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            if method in _METHODS:
                integration = operation[_INTEGRATION]
                yield {
                    "Key": _key(path, method),
                    "Function": function_in(integration["uri"]),
                    "PayloadFormatVersion": integration["payloadFormatVersion"],
                }


def _key(path: str, method: str) -> str:
    if path.lstrip("/") == _DEFAULT:
        return _DEFAULT
    return f"{'ANY' if method == _ANY else method.upper()} {path}"
