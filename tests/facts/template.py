"""template.yaml as data: its resources, and the few relations between them that facts are about."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from typing_extensions import override

from cratekeeper_local.template import load
from tests.facts.tree import ROOT

Resource = Mapping[str, Any]
LARGEST_WAIT_OF_HTTP_S: Final = 29
"""An HTTP API gives up on a function after 30 s."""


@cache
def document() -> dict[str, Any]:
    """The whole template, !Ref and the like in their long forms."""
    return load(ROOT / "template.yaml")


def parameters() -> dict[str, Resource]:
    """The parameters by name."""
    found: dict[str, Resource] = document()["Parameters"]
    return found


def resource(logical_id: str) -> Resource:
    """One resource."""
    found: Resource = document()["Resources"][logical_id]
    return found


def properties(logical_id: str) -> dict[str, Any]:
    """The properties of one resource."""
    found: dict[str, Any] = resource(logical_id)["Properties"]
    return found


def ids(kind: str) -> list[str]:
    """The logical ids of the resources of a type."""
    return [name for name, each in document()["Resources"].items() if each["Type"] == kind]


def target(reference: object) -> str:
    """The logical id that a !Ref, a !GetAtt or a !Sub of one resource names."""
    match reference:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
        case {"Fn::Sub": str(text)} if text.startswith("${"):
            return text[2:].partition("}")[0].partition(".")[0]
        case _:
            raise AssertionError(f"names no single resource: {reference}")


def rule(reference: object) -> str:
    """The logical id of the rule that SAM makes of a function's event, from a !GetAtt of its ARN."""
    name = target(reference)
    assert any(name.startswith(each.id) for each in functions()), name
    return name


def listed(value: object) -> list[Any]:
    """A value or a list of values, as a list."""
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True, slots=True)
class Function:
    """One deployed function."""

    id: str

    @override
    def __str__(self) -> str:
        """Its logical id: the id of its tests."""
        return self.id

    @property
    def properties(self) -> dict[str, Any]:
        """What the template says of it."""
        return properties(self.id)

    @property
    def folder(self) -> str:
        """Its folder below functions/."""
        return str(self.properties["CodeUri"]).removeprefix("functions/")

    @property
    def timeout_s(self) -> int:
        """The seconds after which Lambda kills it."""
        return int(self.properties["Timeout"])

    @property
    def role(self) -> str:
        """The logical id of its role."""
        return target(self.properties["Role"])

    @property
    def log_group(self) -> str:
        """The logical id of its log group."""
        return target(self.properties["LoggingConfig"]["LogGroup"])

    @property
    def environment(self) -> dict[str, Any]:
        """Its own variables, without the settings that all have."""
        return dict(self.properties["Environment"]["Variables"])

    def events(self, kind: str) -> dict[str, dict[str, Any]]:
        """Its events of a type, such as SQS, by name."""
        found = self.properties.get("Events", {})
        return {name: each["Properties"] for name, each in found.items() if each["Type"] == kind}

    @property
    def statements(self) -> list[Resource]:
        """All that its role may do: its own policies, and those that it shares."""
        own = [each["PolicyDocument"] for each in properties(self.role)["Policies"]]
        shared = [
            properties(policy)["PolicyDocument"]
            for policy in ids("AWS::IAM::Policy")
            if "Condition" not in resource(policy)  # what is off unless it is asked for has tests of its own
            if self.role in map(target, properties(policy)["Roles"])
        ]
        return [statement for policy in own + shared for statement in policy["Statement"]]

    def actions_on(self, logical_id: str) -> set[str]:
        """The actions that its role allows on a resource, or on parts of it."""
        return {
            action
            for statement in self.statements
            if logical_id in map(target, listed(statement["Resource"]))
            for action in listed(statement["Action"])
        }


def functions() -> list[Function]:
    """Every deployed function."""
    return [Function(each) for each in ids("AWS::Serverless::Function")]


def function_of(folder: str) -> Function:
    """The function that a folder of functions/ is deployed as."""
    (found,) = [each for each in functions() if each.folder == folder]
    return found


@dataclass(frozen=True, slots=True)
class QueueSource:
    """A queue that rings a function."""

    function: Function
    queue: str
    mapping: Mapping[str, Any]

    @override
    def __str__(self) -> str:
        """The id of its tests."""
        return f"{self.queue}-{self.function}"


def queue_sources() -> list[QueueSource]:
    """Every pair of a queue and the function it rings."""
    return [
        QueueSource(function, target(event["Queue"]), event)
        for function in functions()
        for event in function.events("SQS").values()
    ]


def dead_letter_queue_of(queue: str) -> str | None:
    """The logical id of the queue that takes a queue's dead messages."""
    redrive = properties(queue).get("RedrivePolicy")
    return target(redrive["deadLetterTargetArn"]) if redrive else None


def on_failure(of: Mapping[str, Any]) -> str:
    """The logical id of the queue to which a mapping or an asynchronous call reports its failures."""
    return target(of["DestinationConfig"]["OnFailure"]["Destination"])


def routes() -> Iterator[tuple[str, Function]]:
    """The key of each route, such as `GET /health` or `$default`, and its function."""
    for function in functions():
        for event in function.events("HttpApi").values():
            yield (f"{event['Method']} {event['Path']}" if "Path" in event else "$default"), function
