"""One deployed resource: what it is, what it must be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cratekeeper_local.aws import Aws

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """`expected` are its properties in the template, resolved; `physical` is its name on the emulator."""

    logical: str
    kind: str
    physical: str
    expected: Properties


# Gives the properties that a resource really has, in the shape of the template.
Reader = Callable[[Aws, Resource], Properties]
