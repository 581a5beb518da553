"""What Ref and Fn::GetAtt give for a deployed resource."""

from collections.abc import Callable, Mapping
from typing import Final

from cratekeeper_local.aws import Aws
from cratekeeper_local.deploy import Stack
from cratekeeper_local.emulator.settings import ACCOUNT, REGION
from cratekeeper_local.intrinsics import UNKNOWN

_ARNS: Final[Mapping[str, str]] = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/%s",
    "AWS::Events::EventBus": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/%s",
    "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/%s",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/%s",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:%s",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:%s:*",
    "AWS::S3::Bucket": "arn:aws:s3:::%s",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:%s",
}


def _name(stack: Stack, logical: str) -> str:
    """The name in an ARN: of a queue the end of its URL; a rule on a bus of ours has that before its own."""
    physical, resource = stack.resources[logical], stack.template["Resources"][logical]
    bus = resource.get("Properties", {}).get("EventBusName")
    if resource["Type"] == "AWS::SQS::Queue":
        return physical.rpartition("/")[2]
    own = physical.rpartition("|")[2]
    return f"{stack.resources[bus['Ref']]}/{own}" if isinstance(bus, dict) and "Ref" in bus else own


def attributes_of(aws: Aws, stack: Stack) -> Callable[[str, str], object]:
    """A function that answers (logical id, attribute), UNKNOWN for what it cannot tell."""

    def attribute(logical: str, name: str) -> object:
        kind = str(stack.template["Resources"].get(logical, {}).get("Type"))
        physical = stack.resources.get(logical, "")
        match kind, name:
            case _ if not physical:
                pass
            case "AWS::SecretsManager::Secret", _:
                return aws.secrets.describe_secret(SecretId=physical).get("ARN", UNKNOWN)
            case ("AWS::SQS::Queue", "QueueName") | (_, "Ref"):
                return physical.rpartition("/")[2] if name == "QueueName" else physical
            case "AWS::DynamoDB::Table", "StreamArn":
                return aws.tables.describe_table(TableName=physical)["Table"].get("LatestStreamArn", UNKNOWN)
            case _, "Arn" if kind in _ARNS:
                return _ARNS[kind] % _name(stack, logical)
        return UNKNOWN

    return attribute
