"""What the emulator's CloudFormation takes without a word and drops, set through the services' own APIs."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from cratekeeper_local.aws import Aws
from cratekeeper_local.deploy import Stack
from cratekeeper_local.emulator.settings import ACCOUNT, REGION
from cratekeeper_local.errors import LocalStackError
from cratekeeper_local.readback.check import Difference, all_differences, differences_in
from cratekeeper_local.readback.resource import Resource

Filler = Callable[[Aws, Resource], None]


def fill_and_check(aws: Aws, stack: Stack) -> int:
    """Fill the gaps that are known, then insist that none is left; how many were filled.

    Raises LocalStackError that names the first resource and property that differ.
    """
    found = all_differences(aws, stack)
    fillable = {(gap.resource.logical, gap.name): gap for gap in found if _filler(gap)}
    for gap in fillable.values():
        if fill := _filler(gap):
            fill(aws, gap.resource)
    touched = {gap.resource.logical: gap.resource for gap in found}
    left = differences_in(aws, touched.values())
    if left:
        more = f", and {len(left) - 1} more" if len(left) > 1 else ""
        raise LocalStackError(f"the deployment is not what template.yaml says: {left[0]}{more}")
    return len(fillable)


def _filler(gap: Difference) -> Filler | None:
    return _FILLERS.get((gap.resource.kind, gap.name))


def _ttl(aws: Aws, resource: Resource) -> None:
    wanted = resource.expected["TimeToLiveSpecification"]
    aws.tables.update_time_to_live(TableName=resource.physical, TimeToLiveSpecification=wanted)


def _recovery(aws: Aws, resource: Resource) -> None:
    wanted = resource.expected["PointInTimeRecoverySpecification"]
    aws.tables.update_continuous_backups(TableName=resource.physical, PointInTimeRecoverySpecification=wanted)


def _table_encryption(aws: Aws, resource: Resource) -> None:
    wanted = resource.expected["SSESpecification"]
    aws.tables.update_table(TableName=resource.physical, SSESpecification={"Enabled": wanted["SSEEnabled"]})


def _life_cycle(aws: Aws, resource: Resource) -> None:
    rules = [_rule(rule) for rule in resource.expected["LifecycleConfiguration"]["Rules"]]
    aws.objects.put_bucket_lifecycle_configuration(Bucket=resource.physical, LifecycleConfiguration={"Rules": rules})


def _rule(declared: Mapping[str, Any]) -> Any:
    """A rule in the API's words: ID for Id, and always a filter."""
    rest = {name: value for name, value in declared.items() if name not in {"Id", "Prefix"}}
    return {"ID": declared.get("Id"), "Filter": {"Prefix": declared.get("Prefix", "")}, **rest}


def _routes(aws: Aws, resource: Resource) -> None:
    """Replace all routes and integrations: they hold no data, and half an update is worse than none."""
    api = resource.physical
    for route in aws.apis.get_routes(ApiId=api, MaxResults="500")["Items"]:
        aws.apis.delete_route(ApiId=api, RouteId=route.get("RouteId", ""))
    for integration in aws.apis.get_integrations(ApiId=api, MaxResults="500")["Items"]:
        aws.apis.delete_integration(ApiId=api, IntegrationId=integration.get("IntegrationId", ""))
    targets: dict[tuple[str, str], str] = {}
    for route in resource.expected["Routes"]:
        target = (route["Function"], route["PayloadFormatVersion"])
        targets[target] = targets.get(target) or _integration(aws, api, *target)
        aws.apis.create_route(ApiId=api, RouteKey=route["Key"], Target=f"integrations/{targets[target]}")


def _integration(aws: Aws, api: str, function: str, payload_format: str) -> str:
    made = aws.apis.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationMethod="POST",
        IntegrationUri=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}",
        PayloadFormatVersion=payload_format,
    )
    return made["IntegrationId"]


def _cors(aws: Aws, resource: Resource) -> None:
    aws.apis.update_api(ApiId=resource.physical, CorsConfiguration=resource.expected["CorsConfiguration"])


def _route_defaults(aws: Aws, resource: Resource) -> None:
    aws.apis.update_stage(
        ApiId=resource.expected["ApiId"],
        StageName=resource.expected["StageName"],
        DefaultRouteSettings=resource.expected["DefaultRouteSettings"],
    )


def _access_log(aws: Aws, resource: Resource) -> None:
    aws.apis.update_stage(
        ApiId=resource.expected["ApiId"],
        StageName=resource.expected["StageName"],
        AccessLogSettings=resource.expected["AccessLogSettings"],
    )


def _variables(aws: Aws, resource: Resource) -> None:
    """The emulator gives a secret's name where AWS gives its ARN."""
    aws.functions.update_function_configuration(
        FunctionName=resource.physical, Environment=resource.expected["Environment"]
    )


def _invoke_config(aws: Aws, resource: Resource) -> None:
    settings = {name: value for name, value in resource.expected.items() if name != "Qualifier"}
    aws.functions.put_function_event_invoke_config(**settings)


_FILLERS: Final[Mapping[tuple[str, str], Filler]] = {
    ("AWS::Lambda::Function", "Environment"): _variables,
    ("AWS::Lambda::EventInvokeConfig", ""): _invoke_config,
    ("AWS::DynamoDB::Table", "TimeToLiveSpecification"): _ttl,
    ("AWS::DynamoDB::Table", "PointInTimeRecoverySpecification"): _recovery,
    ("AWS::DynamoDB::Table", "SSESpecification"): _table_encryption,
    ("AWS::S3::Bucket", "LifecycleConfiguration"): _life_cycle,
    ("AWS::ApiGatewayV2::Api", "Routes"): _routes,
    ("AWS::ApiGatewayV2::Api", "CorsConfiguration"): _cors,
    ("AWS::ApiGatewayV2::Stage", "DefaultRouteSettings"): _route_defaults,
    ("AWS::ApiGatewayV2::Stage", "AccessLogSettings"): _access_log,
}
