"""The template's nested stacks, which the emulator's CloudFormation does not know: resources set one by one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cratekeeper_local import template
from cratekeeper_local.aws import Aws
from cratekeeper_local.deploy import STACK, Stack
from cratekeeper_local.errors import LocalStackError
from cratekeeper_local.intrinsics import UNKNOWN, Deployed
from cratekeeper_local.project import Project
from cratekeeper_local.readback.attributes import attributes_of
from cratekeeper_local.readback.check import differences_of
from cratekeeper_local.readback.resource import Resource

_Setter = Callable[[Aws, str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Nested:
    """A nested stack: its name in the template, its own template, and the values of its parameters."""

    logical: str
    template: template.Template
    parameters: Mapping[str, Any]

    def resources(self) -> Iterator[Resource]:
        """Its resources, resolved; physical names begin with those of the stacks."""
        known = Deployed(f"{STACK}-{self.logical}", self.parameters, self.template.get("Conditions", {}), _nothing)
        for logical, declared in self.template["Resources"].items():
            properties = known.resolve(declared.get("Properties", {}))
            name = properties.get(f"{declared['Type'].rpartition('::')[2]}Name") or f"{STACK}-{logical}"
            yield Resource(f"{self.logical}.{logical}", declared["Type"], name, properties)


def set_up(aws: Aws, project: Project, stack: Stack) -> int:
    """Create or update the resources of every nested stack and read them back; how many there are.

    Raises LocalStackError that names what is missing, unknown or different.
    """
    found = [resource for each in nested_in(aws, project, stack) for resource in each.resources()]
    for resource in found:
        setter = _SETTERS.get(resource.kind)
        if setter is None:
            raise LocalStackError(f"{resource.logical}: the launcher cannot make a {resource.kind}")
        setter(aws, resource.physical, resource.expected)
    left = [difference for resource in found for difference in differences_of(aws, resource)]
    if left:
        raise LocalStackError(f"the deployment is not what its template says: {left[0]}")
    return len(found)


def nested_in(aws: Aws, project: Project, stack: Stack) -> Iterator[Nested]:
    """The nested stacks of a deployed one. Raises LocalStackError for a parameter without a value."""
    known = Deployed(STACK, stack.parameters, stack.template.get("Conditions", {}), attributes_of(aws, stack))
    for logical, properties in stack.nested.items():
        content = template.load(project.root / str(properties["TemplateURL"]))
        given = known.resolve(properties.get("Parameters", {}))
        declared = content.get("Parameters", {})
        values = {name: given.get(name, rules.get("Default")) for name, rules in declared.items()}
        if wrong := [
            *(given.keys() - declared.keys()),
            *(name for name, value in values.items() if value in (None, UNKNOWN)),
        ]:
            raise LocalStackError(f"{logical}: the parameter {wrong[0]} is unknown or has no value")
        yield Nested(logical, content, values)


def _nothing(logical: str, name: str) -> object:
    """A nested stack of ours is made of leaves: none refers to another."""
    raise LocalStackError(f"a nested stack refers to {logical}.{name}, which is no parameter of it")


def _alarm(aws: Aws, name: str, properties: Mapping[str, Any]) -> None:
    wanted: Any = {"AlarmName": name, **properties}
    aws.alarms.put_metric_alarm(**wanted)


def _dashboard(aws: Aws, name: str, properties: Mapping[str, Any]) -> None:
    aws.alarms.put_dashboard(DashboardName=name, DashboardBody=properties["DashboardBody"])


_SETTERS: Final[Mapping[str, _Setter]] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::Dashboard": _dashboard,
}
