"""template.yaml onto the emulator: upload the code, create or update the stack, say what became of it."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cratekeeper_local.aws import Aws
from cratekeeper_local.emulator.settings import ACCOUNT
from cratekeeper_local.errors import LocalStackError
from cratekeeper_local.packaging import Package, packaged
from cratekeeper_local.project import Project
from cratekeeper_local.template import Template, resources_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

STACK: Final = "cratekeeper"
LIMIT_S: Final = 120.0
_BUCKET: Final = f"{STACK}-code-{ACCOUNT}"
_SUM: Final = f"{STACK}-sum"
_NESTED: Final = "AWS::CloudFormation::Stack"
_POLL_S: Final = 0.1
_GONE: Final = frozenset({"ROLLBACK_COMPLETE", "CREATE_FAILED", "DELETE_COMPLETE"})
_GOOD: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed template: its transformed text, its parameters and the physical name of each resource.

    `nested` are the properties of the nested stacks, which were taken out before.
    """

    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    resources: Mapping[str, str]
    nested: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def deployed(aws: Aws, project: Project, template: Template, parameters: Mapping[str, str], cache: Path) -> Stack:
    """Bring the emulator to what `template` says; data stays. Raises LocalStackError with CloudFormation's reason."""
    nested = resources_of(template, _NESTED)
    for name in nested:
        del template["Resources"][name]
    _upload(aws, packaged(template, project, bucket=_BUCKET, cache=cache))
    _apply(aws, json.dumps(template), parameters)
    return Stack(
        template=_transformed(aws),
        parameters=parameters,
        resources={
            found["LogicalResourceId"]: found.get("PhysicalResourceId", "")
            for found in aws.stacks.describe_stack_resources(StackName=STACK)["StackResources"]
        },
        nested=nested,
    )


def _upload(aws: Aws, packages: Iterable[Package]) -> None:
    aws.objects.create_bucket(Bucket=_BUCKET)
    known = {found.get("Key") for found in aws.objects.list_objects_v2(Bucket=_BUCKET).get("Contents", [])}
    for package in packages:
        if package.key not in known:
            aws.objects.put_object(Bucket=_BUCKET, Key=package.key, Body=package.content)


def _apply(aws: Aws, text: str, parameters: Mapping[str, str]) -> None:
    total = hashlib.sha256(json.dumps([text, dict(parameters)]).encode()).hexdigest()
    current = _current(aws)
    if current and {"Key": _SUM, "Value": total} in current.get("Tags", []):
        return  # the same template and parameters: even to find that out costs CloudFormation a second
    change = aws.stacks.update_stack if current else aws.stacks.create_stack
    try:
        change(
            StackName=STACK,
            TemplateBody=text,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Tags=[{"Key": _SUM, "Value": total}],
        )
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return
        raise LocalStackError(f"template.yaml is refused: {_message(error)}") from error
    _wait(aws)


def _current(aws: Aws) -> "StackTypeDef | None":
    """The stack that can be updated, if there is one."""
    try:
        stack = _described(aws)
    except ClientError:
        return None
    if stack["StackStatus"] in _GONE:
        aws.stacks.delete_stack(StackName=STACK)
        return None
    return stack


def _wait(aws: Aws) -> None:
    deadline = time.monotonic() + LIMIT_S
    while (stack := _described(aws))["StackStatus"].endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            raise LocalStackError(f"template.yaml was not deployed within {LIMIT_S:.0f} s")
        time.sleep(_POLL_S)
    if stack["StackStatus"] not in _GOOD:
        raise LocalStackError(f"template.yaml could not be deployed: {_reason(aws, stack)}")


def _described(aws: Aws) -> "StackTypeDef":
    return aws.stacks.describe_stacks(StackName=STACK)["Stacks"][0]


def _reason(aws: Aws, stack: "StackTypeDef") -> str:
    """What the first resource that failed said, else what the stack says."""
    events = aws.stacks.describe_stack_events(StackName=STACK)["StackEvents"]
    for event in reversed(events):
        if event.get("ResourceStatus", "").endswith("_FAILED") and event.get("ResourceStatusReason"):
            return f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason')}"
    return stack.get("StackStatusReason") or stack["StackStatus"]


def _transformed(aws: Aws) -> Mapping[str, Any]:
    body: object = aws.stacks.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    return body if isinstance(body, Mapping) else json.loads(str(body))


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", error))
