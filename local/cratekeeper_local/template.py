"""template.yaml as plain data, in CloudFormation's long form."""

from pathlib import Path
from typing import Any

import yaml

from cratekeeper_local.errors import LocalStackError

Template = dict[str, Any]


def load(path: Path) -> Template:
    """Read a template; short forms (`!Ref X`) become long ones (`{"Ref": "X"}`). Raises LocalStackError."""
    try:
        content = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506  a SafeLoader that knows CloudFormation's tags
    except OSError as error:
        raise LocalStackError(f"cannot read {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise LocalStackError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or "Resources" not in content:
        raise LocalStackError(f"{path} is no template: it has no Resources")
    return content


def resources_of(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """{logical id: properties} of all resources of a type."""
    return {
        name: resource.setdefault("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags."""


def _intrinsic(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
        case _:
            value = None
    if tag in {"Ref", "Condition"}:
        return {tag: value}
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _intrinsic)
