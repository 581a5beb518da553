"""JSON Schemas of the models, as components."""

import re
from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import override

from cratekeeper.api.schemas import Out

REFERENCE: Final = "#/components/schemas/"
# How pydantic writes a bound that it checks after a validator of ours.
_BOUNDS: Final = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}


class _Schemas(GenerateJsonSchema):
    """Answers as they are sent: parts that are left out rather than null are optional, all others always there."""

    @override
    def ser_schema(self, schema: Any) -> JsonSchemaValue | None:
        # Serializers change the spelling, never the shape: times are strings, absent parts are left out.
        del schema
        return None

    @override
    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        if issubclass(model, Out):
            properties = made["properties"]
            made["required"] = [name for name in properties if name not in model.left_out]
            for name in model.left_out:
                properties[name] = without_null(properties[name])
        for part in made.get("properties", {}).values():
            part.pop("title", None)
        made.pop("title", None)
        return made


def components(answers: Iterable[type[BaseModel]], bodies: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """The schemas of all models and of what they hold, by name."""
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "serialization") for model in answers]
    wanted += [(model, "validation") for model in bodies]
    _, made = _Schemas(ref_template=REFERENCE + "{model}").generate_definitions([
        (model, mode, model.__pydantic_core_schema__) for model, mode in wanted
    ])
    return {name_of(name): _renamed(schema) for name, schema in sorted(made.items())}


def reference(model: type[BaseModel]) -> dict[str, str]:
    """A reference to the component of a model."""
    return {"$ref": REFERENCE + name_of(re.sub(r"[^A-Za-z0-9_.-]", "_", model.__name__))}


def name_of(name: str) -> str:
    """`Download` for DownloadOut, `DownloadPage` for PageOut[DownloadOut]."""
    page = re.fullmatch(r"PageOut_(\w+?)_?", name)
    plain = f"{page[1].removesuffix('Out')}Page" if page else name.removesuffix("Out")
    return plain or name


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value that is absent rather than null; a default of null is none."""
    rest = {name: value for name, value in schema.items() if name != "default" or value is not None}
    kinds = [kind for kind in rest.pop("anyOf", []) if kind != {"type": "null"}]
    if not kinds:
        return rest
    return {**kinds[0], **rest} if len(kinds) == 1 else {"anyOf": kinds, **rest}


def _renamed(schema: Any) -> Any:
    """The schema with references to the names of components, and with JSON Schema's names of bounds."""
    if isinstance(schema, list):
        return [_renamed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    bounds = _BOUNDS if "type" in schema else {}
    kept = {
        bounds.get(name, name): value for name, value in schema.items() if name != "title" or isinstance(value, dict)
    }
    found = {name: _renamed(value) for name, value in kept.items()}
    if isinstance(found.get("$ref"), str):
        found["$ref"] = REFERENCE + name_of(found["$ref"].removeprefix(REFERENCE))
    return found
