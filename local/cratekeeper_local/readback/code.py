"""Readers of what runs: functions, layers, what triggers them, and their roles."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from cratekeeper_local.aws import Aws
from cratekeeper_local.readback.resource import Properties, Reader, Resource


def function(aws: Aws, resource: Resource) -> Properties:
    """A function's configuration; `Code` is there if the deployed zip is the one that was uploaded."""
    found = aws.functions.get_function_configuration(FunctionName=resource.physical)
    concurrency = aws.functions.get_function_concurrency(FunctionName=resource.physical)
    return {
        **found,
        **concurrency,
        # Here is no detection of loops that could be switched off.
        "RecursiveLoop": resource.expected.get("RecursiveLoop"),
        "Code": _if_same(aws, resource.expected["Code"], found.get("CodeSha256")),
        "Layers": [layer.get("Arn") for layer in found.get("Layers", [])],
    }


def layer(aws: Aws, resource: Resource) -> Properties:
    """A layer version; `Content` is there if it is the zip that was uploaded."""
    found = aws.functions.get_layer_version_by_arn(Arn=resource.physical)
    return {
        **found,
        "LayerName": str(found.get("LayerArn")).rpartition(":")[2],
        "Content": _if_same(aws, resource.expected["Content"], found["Content"].get("CodeSha256")),
    }


def mapping(aws: Aws, resource: Resource) -> Properties:
    """A queue or stream that triggers a function; unless the template says otherwise it is enabled."""
    found = aws.functions.get_event_source_mapping(UUID=resource.physical)
    return {
        **found,
        "Enabled": found.get("State") in {"Enabled", "Enabling", "Creating"},
        "FunctionName": str(found.get("FunctionArn")).rpartition(":")[2],
    }


def invoke_config(aws: Aws, resource: Resource) -> Properties:
    """What happens to asynchronous invocations that fail."""
    name = resource.expected["FunctionName"]
    found = aws.functions.get_function_event_invoke_config(FunctionName=name)
    return {**found, "FunctionName": name, "Qualifier": resource.expected.get("Qualifier")}


def permission(aws: Aws, resource: Resource) -> Properties:
    """The statement of the function's policy that says what the template says, if there is one."""
    expected = resource.expected
    name = str(expected["FunctionName"]).rpartition(":")[2]
    try:
        policy = json.loads(aws.functions.get_policy(FunctionName=name)["Policy"])
    except ClientError:
        return {}
    for statement in policy["Statement"]:
        source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn")
        found = (statement.get("Action"), statement.get("Principal", {}).get("Service"), source)
        if found == (expected["Action"], expected["Principal"], expected.get("SourceArn")):
            return expected
    return {}


def role(aws: Aws, resource: Resource) -> Properties:
    """Who may take a role, and those of its policies that the template writes into it."""
    found = aws.roles.get_role(RoleName=resource.physical)["Role"]
    # A policy that is a resource of its own is in this list, too, and has a reader of its own.
    names = {policy["PolicyName"] for policy in resource.expected.get("Policies", [])}
    names &= set(aws.roles.list_role_policies(RoleName=resource.physical)["PolicyNames"])
    documents = [aws.roles.get_role_policy(RoleName=resource.physical, PolicyName=name) for name in sorted(names)]
    attached = aws.roles.list_attached_role_policies(RoleName=resource.physical)["AttachedPolicies"]
    return {
        **found,
        "Policies": [{"PolicyName": one["PolicyName"], "PolicyDocument": one["PolicyDocument"]} for one in documents],
        "ManagedPolicyArns": [policy.get("PolicyArn") for policy in attached],
    }


def role_policy(aws: Aws, resource: Resource) -> Properties:
    """A policy of its own, if each of the roles that the template names has it."""
    name, roles = resource.expected["PolicyName"], resource.expected["Roles"]
    documents = [aws.roles.get_role_policy(RoleName=one, PolicyName=name)["PolicyDocument"] for one in roles]
    same = all(document == documents[0] for document in documents)
    return {"PolicyName": name, "Roles": roles, "PolicyDocument": documents[0] if same else None}


def _if_same(aws: Aws, place: Mapping[str, Any], checksum: str | None) -> Properties | None:
    body = aws.objects.get_object(Bucket=place["S3Bucket"], Key=place["S3Key"])["Body"].read()
    return place if base64.b64encode(hashlib.sha256(body).digest()).decode() == checksum else None


READERS: Final[Mapping[str, Reader]] = {
    "AWS::Lambda::Function": function,
    "AWS::Lambda::LayerVersion": layer,
    "AWS::Lambda::EventSourceMapping": mapping,
    "AWS::Lambda::EventInvokeConfig": invoke_config,
    "AWS::Lambda::Permission": permission,
    "AWS::IAM::Role": role,
    "AWS::IAM::Policy": role_policy,
}
