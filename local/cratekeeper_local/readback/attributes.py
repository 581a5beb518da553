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


def attributes_of(aws: Aws, stack: Stack) -> Callable[[str, str], object]:
    """A function that answers (logical id, attribute), UNKNOWN for what it cannot tell."""

    def attribute(logical: str, name: str) -> object:
        kind = str(stack.template["Resources"].get(logical, {}).get("Type"))
        physical = stack.resources.get(logical)
        if physical is None:
            return UNKNOWN
        match kind, name:
            case "AWS::SecretsManager::Secret", _:
                return aws.secrets.describe_secret(SecretId=physical).get("ARN", UNKNOWN)
            case _, "Ref":
                return physical
            case "AWS::DynamoDB::Table", "StreamArn":
                return aws.tables.describe_table(TableName=physical)["Table"].get("LatestStreamArn", UNKNOWN)
            case _, "Arn" if kind in _ARNS:
                return (
                    _ARNS[kind] % physical.rpartition("/")[2] if kind == "AWS::SQS::Queue" else _ARNS[kind] % physical
                )
        return UNKNOWN

    return attribute
