"""CloudFormation's functions, evaluated against what was deployed.

Only what says which value a property must have. An expression that cannot be worked out here is
`UNKNOWN`, and the read-back then asks only that there is a value.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cratekeeper_local.emulator.settings import ACCOUNT, REGION

_VARIABLE: Final = re.compile(r"\$\{([^!}][^}]*)\}")
_PSEUDO: Final[Mapping[str, str]] = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}


@dataclass(frozen=True, slots=True)
class _Mark:
    """A value that stands for the lack of one."""

    name: str


UNKNOWN: Final = _Mark("unknown")
_NO_VALUE: Final = _Mark("AWS::NoValue")


@dataclass(frozen=True, slots=True)
class Deployed:
    """What expressions may refer to; `attribute` answers Ref ("Ref") and GetAtt of a resource, or UNKNOWN."""

    stack: str
    parameters: Mapping[str, str]
    conditions: Mapping[str, Any]
    attribute: Callable[[str, str], object]

    def resolve(self, value: Any) -> Any:
        """`value` with every expression replaced; properties that are AWS::NoValue disappear."""
        if isinstance(value, Mapping):
            return self._resolve_mapping(value)
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not _NO_VALUE]
        return value

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template is true."""
        return self.resolve(self.conditions[condition]) is True

    def _resolve_mapping(self, value: Mapping[str, Any]) -> Any:
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name in _FUNCTIONS:
                return _FUNCTIONS[name](self, argument)
            if name.startswith("Fn::"):
                return UNKNOWN
        pairs = ((key, self.resolve(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not _NO_VALUE}


def _ref(deployed: Deployed, name: str) -> object:
    if name == "AWS::NoValue":
        return _NO_VALUE
    if name == "AWS::StackName":
        return deployed.stack
    if name in deployed.parameters:
        return deployed.parameters[name]
    return _PSEUDO.get(name) or deployed.attribute(name, "Ref")


def _get(deployed: Deployed, path: list[str]) -> object:
    return deployed.attribute(path[0], ".".join(path[1:]))


def _sub(deployed: Deployed, argument: str | list[Any]) -> object:
    text, own = (argument, {}) if isinstance(argument, str) else argument
    parts = {name: _variable(deployed, name, own) for name in _VARIABLE.findall(text)}
    if UNKNOWN in parts.values():
        return UNKNOWN
    return _VARIABLE.sub(lambda match: str(parts[match[1]]), text)


def _variable(deployed: Deployed, name: str, own: Mapping[str, object]) -> object:
    if name in own:
        return deployed.resolve(own[name])
    return _get(deployed, name.split(".")) if "." in name else _ref(deployed, name)


def _join(deployed: Deployed, argument: list[Any]) -> object:
    parts = deployed.resolve(argument[1])
    if not isinstance(parts, list) or UNKNOWN in parts:
        return UNKNOWN
    return str(argument[0]).join(map(str, parts))


def _if(deployed: Deployed, argument: list[Any]) -> object:
    return deployed.resolve(argument[1] if deployed.holds(argument[0]) else argument[2])


def _equals(deployed: Deployed, argument: list[Any]) -> bool:
    left, right = map(deployed.resolve, argument)
    return str(left) == str(right)


_FUNCTIONS: Final[Mapping[str, Callable[[Deployed, Any], object]]] = {
    "Ref": _ref,
    "Condition": Deployed.holds,
    "Fn::GetAtt": _get,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::If": _if,
    "Fn::Equals": _equals,
    "Fn::And": lambda deployed, argument: all(deployed.resolve(item) is True for item in argument),
    "Fn::Or": lambda deployed, argument: any(deployed.resolve(item) is True for item in argument),
    "Fn::Not": lambda deployed, argument: deployed.resolve(argument[0]) is not True,
}
