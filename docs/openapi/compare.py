"""What a change of the document breaks for its callers.

One question is asked of schemas: what does one of them admit that the other refuses? Of what callers send, nothing that
was admitted may be refused now; of what they get, nothing may come now that was refused before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Json = Mapping[str, Any]

_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT: Final = ("pattern", "format", "multipleOf", "uniqueItems")
_NAMES: Final[Mapping[type, str]] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    type(None): "null",
}


def breaking(old: Json, new: Json) -> list[str]:
    """A line for each change that may break a caller of `old`; none if all of them go on."""
    found = list(_paths(old, new))
    problem = {"$ref": "#/components/schemas/Problem"}
    return found + list(_Pair(new, old, "gets").lost(problem, problem, "every error"))


def _paths(old: Json, new: Json) -> Iterator[str]:
    for path, operations in old["paths"].items():
        for method, operation in operations.items():
            now, where = new["paths"].get(path, {}).get(method), f"{method.upper()} {path}"
            if now is None:
                yield f"{where}: is gone"
                continue
            if operation["operationId"] != now["operationId"]:
                yield f"{where}: operationId was {operation['operationId']}, is {now['operationId']}"
            if now.get("security") and not operation.get("security"):
                yield f"{where}: asks for a key now"
            yield from _parameters(_Pair(old, new, "sends"), operation, now, where)
            yield from _body(_Pair(old, new, "sends"), operation, now, where)
            yield from _answers(_Pair(new, old, "gets"), operation, now, where)


def _parameters(pair: "_Pair", old: Json, new: Json, where: str) -> Iterator[str]:
    before, now = _by_name(old, pair.wide), _by_name(new, pair.narrow)
    for (place, name), parameter in before.items():
        here = f"{where}, {place} {name}"
        if (place, name) not in now:
            yield f"{here}: is gone"
        else:
            yield from pair.lost(parameter["schema"], now[place, name]["schema"], here)
    for (place, name), parameter in now.items():
        if parameter.get("required") and not before.get((place, name), {}).get("required"):
            yield f"{where}, {place} {name}: is required now"


def _by_name(operation: Json, document: Json) -> dict[tuple[str, str], Json]:
    found = [_resolved(each, document) for each in operation.get("parameters", ())]
    return {(each["in"], each["name"]): each for each in found}


def _body(pair: "_Pair", old: Json, new: Json, where: str) -> Iterator[str]:
    before, now = old.get("requestBody", {}), new.get("requestBody", {})
    if now.get("required") and not before.get("required"):
        yield f"{where}, body: is required now"
    for media_type, content in before.get("content", {}).items():
        if media_type not in now.get("content", {}):
            yield f"{where}, body: {media_type} is gone"
        else:
            yield from pair.lost(content["schema"], now["content"][media_type]["schema"], f"{where}, body")


def _answers(pair: "_Pair", old: Json, new: Json, where: str) -> Iterator[str]:
    """Of successes alone: an error that no longer comes, or a new one, is met by looking at the status."""
    for status, answer in old["responses"].items():
        if status >= "4":
            continue
        now, here = new["responses"].get(status), f"{where}, {status}"
        if now is None:
            yield f"{here}: is gone"
            continue
        yield from (
            f"{here}, header {name}: is gone" for name in answer.get("headers", {}) if name not in now["headers"]
        )
        for media_type, content in answer.get("content", {}).items():
            if media_type not in now.get("content", {}):
                yield f"{here}: {media_type} is gone"
            else:
                yield from pair.lost(now["content"][media_type]["schema"], content["schema"], here)


def _resolved(part: Json, document: Json) -> Json:
    while "$ref" in part:
        rest = {name: value for name, value in part.items() if name != "$ref"}
        found: Any = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = {**found, **rest}
    return part


@dataclass(frozen=True, slots=True)
class _Pair:
    """The documents of two schemas: a value may come that fits `wide`, and must fit `narrow`."""

    wide: Json
    narrow: Json
    verb: str

    def lost(self, wide: Json, narrow: Json, where: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        """What `wide` admits and `narrow` refuses; a schema that holds itself is looked at once."""
        mark = f"{wide.get('$ref')} {narrow.get('$ref')}"
        if "$ref" in wide and mark in seen:
            return
        seen |= {mark}
        wide, narrow = _resolved(wide, self.wide), _resolved(narrow, self.narrow)
        if "anyOf" in wide or "anyOf" in narrow:
            yield from self._lost_options(wide.get("anyOf", [wide]), narrow.get("anyOf", [narrow]), where, seen)
            return
        yield from self._lost_values(wide, narrow, where)
        yield from self._lost_bounds(wide, narrow, where)
        yield from self._lost_parts(wide, narrow, where, seen)

    def _lost_options(self, wide: list[Json], narrow: list[Json], where: str, seen: frozenset[str]) -> Iterator[str]:
        for option in wide:
            losses = [list(self.lost(option, other, where, seen)) for other in narrow]
            if all(losses):
                yield from min(losses, key=len)

    def _lost_values(self, wide: Json, narrow: Json, where: str) -> Iterator[str]:
        before, now = _values(wide), _values(narrow)
        if now is not None:
            lost = None if before is None else [value for value in before if value not in now]
            if lost is None or lost:
                yield self._said(
                    where, f"other values than {', '.join(map(str, now))}" if lost is None else _listed(lost)
                )
        kinds, others = _kinds(wide), _kinds(narrow)
        if others and (lost_kinds := sorted((kinds or {"anything"}) - others - _integers_in(others))):
            yield self._said(where, _listed(lost_kinds))

    def _lost_bounds(self, wide: Json, narrow: Json, where: str) -> Iterator[str]:
        for name in _LOWER:
            if name in narrow and wide.get(name, float("-inf")) < narrow[name]:
                yield self._said(where, f"less than {name} {narrow[name]}")
        for name in _UPPER:
            if name in narrow and wide.get(name, float("inf")) > narrow[name]:
                yield self._said(where, f"more than {name} {narrow[name]}")
        for name in _EXACT:
            if name in narrow and wide.get(name) != narrow[name] and not _values(wide):
                yield self._said(where, f"another {name} than {narrow[name]}")

    def _lost_parts(self, wide: Json, narrow: Json, where: str, seen: frozenset[str]) -> Iterator[str]:
        for name in narrow.get("required", ()):
            if name not in wide.get("required", ()):
                yield self._said(f"{where}, {name}", "nothing")
        parts, others = wide.get("properties", {}), narrow.get("properties", {})
        for name, part in parts.items():
            if name in others:
                yield from self.lost(part, others[name], f"{where}, {name}", seen)
            elif narrow.get("additionalProperties") is False:
                yield self._said(f"{where}, {name}", "it at all")
        if self.verb == "gets":
            yield from (f"{where}, {name}: is gone" for name in others if parts and name not in parts)
        for name in ("items", "additionalProperties"):
            if isinstance(narrow.get(name), Mapping):
                yield from self.lost(wide.get(name) or {}, narrow[name], f"{where}, each", seen)

    def _said(self, where: str, what: str) -> str:
        if self.verb == "gets":
            return f"{where}: may be {what} now, and was not"
        return f"{where}: may not be {what} any more"


def _listed(values: list[Any]) -> str:
    return ", ".join(map(str, values))


def _values(schema: Json) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _kinds(schema: Json) -> set[str]:
    """Names of the types that a schema admits; empty = all."""
    if "type" in schema:
        return {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])
    return {_NAMES[type(value)] for value in _values(schema) or ()}


def _integers_in(kinds: set[str]) -> set[str]:
    return {"integer"} if "number" in kinds else set()
