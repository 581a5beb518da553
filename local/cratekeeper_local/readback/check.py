"""The whole deployment, compared resource by resource."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError
from typing_extensions import override

from cratekeeper_local.aws import Aws
from cratekeeper_local.deploy import STACK, Stack
from cratekeeper_local.errors import LocalStackError
from cratekeeper_local.intrinsics import Deployed
from cratekeeper_local.readback import code, data, edge
from cratekeeper_local.readback.attributes import attributes_of
from cratekeeper_local.readback.compare import differences
from cratekeeper_local.readback.openapi import as_routes
from cratekeeper_local.readback.resource import Properties, Reader, Resource

READERS: Final[Mapping[str, Reader]] = {**data.READERS, **code.READERS, **edge.READERS}

_READERS_AT_ONCE: Final = 4
# Names and notes that nothing relies on.
IGNORED: Final = frozenset({"Tags", "Description", "FailOnWarnings"})
# What holds without being said.
_IMPLIED: Final[Mapping[str, Properties]] = {
    "AWS::Lambda::EventSourceMapping": {"Enabled": True},
    "AWS::Events::Rule": {"State": "ENABLED"},
    "AWS::Scheduler::Schedule": {"State": "ENABLED"},
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A property that is not as the template says; `path` goes down with dots and is empty for the whole resource."""

    resource: Resource
    path: str
    why: str = "missing or different"

    @property
    def name(self) -> str:
        """The property of the template that holds it."""
        return self.path.partition(".")[0]

    @override
    def __str__(self) -> str:
        return f"{self.resource.logical} ({self.resource.kind}), {self.path or 'the whole resource'}: {self.why}"


def expected_resources(aws: Aws, stack: Stack) -> Iterator[Resource]:
    """Every resource that the transformed template asks for, its properties resolved."""
    known = Deployed(STACK, stack.parameters, stack.template.get("Conditions", {}), attributes_of(aws, stack))
    for logical, declared in stack.template["Resources"].items():
        if "Condition" in declared and not known.holds(declared["Condition"]):
            continue
        kind = declared["Type"]
        properties: Properties = {**_IMPLIED.get(kind, {}), **known.resolve(declared.get("Properties", {}))}
        if "Body" in properties:
            properties = as_routes(properties)
        checked = {name: value for name, value in properties.items() if name not in IGNORED}
        yield Resource(logical, kind, stack.resources.get(logical, ""), checked)


def all_differences(aws: Aws, stack: Stack) -> list[Difference]:
    """What is missing or different, over all resources, in the order of the template."""
    return differences_in(aws, expected_resources(aws, stack))


def differences_in(aws: Aws, resources: Iterable[Resource]) -> list[Difference]:
    """What is missing or different in these resources."""
    with ThreadPoolExecutor(_READERS_AT_ONCE) as pool:
        return [found for part in pool.map(partial(differences_of, aws), resources) for found in part]


def differences_of(aws: Aws, resource: Resource) -> list[Difference]:
    """What is missing or different in one resource; a resource that cannot be read lacks all."""
    if not resource.physical:
        return [Difference(resource, "")]
    reader = READERS.get(resource.kind)
    if reader is None:
        raise LocalStackError(f"{resource.logical}: the launcher cannot read back a {resource.kind}")
    try:
        actual: Mapping[str, Any] = reader(aws, resource)
    except ClientError as error:
        return [Difference(resource, "", error.response.get("Error", {}).get("Message", str(error)))]
    return [Difference(resource, path) for path in differences(resource.expected, actual)]
