"""The template as data, its expressions, and the routes in its OpenAPI body."""

from pathlib import Path
from typing import Any

import pytest

from cratekeeper_local import template
from cratekeeper_local.errors import LocalStackError
from cratekeeper_local.intrinsics import UNKNOWN, Deployed
from cratekeeper_local.readback.openapi import as_routes

ATTRIBUTES = {("Table", "Ref"): "table-1", ("Table", "Arn"): "arn:table-1"}
DEPLOYED = Deployed(
    stack="crate",
    parameters={"Limit": "-1"},
    conditions={
        "Unlimited": {"Fn::Equals": [{"Ref": "Limit"}, "-1"]},
        "Never": {"Fn::Not": [{"Condition": "Unlimited"}]},
    },
    attribute=lambda name, attribute: ATTRIBUTES.get((name, attribute), UNKNOWN),
)


def a_template(folder: Path, text: str) -> Path:
    path = folder / "template.yaml"
    path.write_text(text, "utf-8")
    return path


def test_short_forms_become_long_ones(tmp_path: Path) -> None:
    text = "Resources: {A: {Type: T, Properties: {x: !Ref B, y: !GetAtt B.C.D, z: !If [P, !Sub 'a${B}', [1]]}}}"
    read = template.load(a_template(tmp_path, text))
    assert read["Resources"]["A"]["Properties"] == {
        "x": {"Ref": "B"},
        "y": {"Fn::GetAtt": ["B", "C.D"]},
        "z": {"Fn::If": ["P", {"Fn::Sub": "a${B}"}, [1]]},
    }


@pytest.mark.parametrize(
    ("text", "said"), [("a: [", "is no YAML"), ("a: 1", "has no Resources"), ("", "has no Resources")]
)
def test_a_file_that_is_no_template_is_told_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LocalStackError, match=said) as refused:
        template.load(a_template(tmp_path, text))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Ref": "Limit"}, "-1"),
        ({"Ref": "Table"}, "table-1"),
        ({"Ref": "AWS::StackName"}, "crate"),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "arn:table-1"),
        ({"Fn::Sub": "${Table.Arn}/${AWS::StackName}/${!Literal}"}, "arn:table-1/crate/${!Literal}"),
        ({"Fn::Sub": ["${Own}-${Limit}", {"Own": {"Ref": "Table"}}]}, "table-1--1"),
        ({"Fn::Join": ["/", ["a", {"Ref": "Table"}]]}, "a/table-1"),
        ({"Fn::If": ["Unlimited", 100, 1000]}, 100),
        ({"Fn::If": ["Never", 100, {"Ref": "Table"}]}, "table-1"),
        ({"Fn::And": [{"Condition": "Unlimited"}, {"Condition": "Never"}]}, False),
        ({"Fn::Or": [{"Condition": "Unlimited"}, {"Condition": "Never"}]}, True),
        ([{"Ref": "AWS::NoValue"}, 1], [1]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": {"Ref": "Limit"}}, {"b": "-1"}),
        ({"Ref": "Elsewhere"}, UNKNOWN),
        ({"Fn::Sub": "x${Elsewhere.Arn}"}, UNKNOWN),
        ({"Fn::Join": ["", [{"Ref": "Elsewhere"}]]}, UNKNOWN),
        ({"Fn::Select": [0, ["a"]]}, UNKNOWN),
    ],
    ids=str,
)
def test_expressions(expression: Any, value: object) -> None:
    assert DEPLOYED.resolve(expression) == value


def an_operation(function: str) -> dict[str, Any]:
    uri = f"arn:aws:apigateway:r:lambda:path/2015-03-31/functions/arn:aws:lambda:r:0:function:{function}/invocations"
    return {"x-amazon-apigateway-integration": {"uri": uri, "payloadFormatVersion": "2.0"}}


def test_an_openapi_body_becomes_routes_and_cors() -> None:
    paths = {
        "/v1/downloads/{id}": {"get": an_operation("one"), "parameters": [], "post": an_operation("two")},
        "/any": {"x-amazon-apigateway-any-method": an_operation("one")},
        "/$default": {"x-amazon-apigateway-any-method": an_operation("rest")},
    }
    body = {"paths": paths, "x-amazon-apigateway-cors": {"allowOrigins": ["*"], "maxAge": 600}}
    made = as_routes({"Name": "api", "Body": body})
    assert {(route["Key"], route["Function"]) for route in made["Routes"]} == {
        ("GET /v1/downloads/{id}", "one"),
        ("POST /v1/downloads/{id}", "two"),
        ("ANY /any", "one"),
        ("$default", "rest"),
    }
    assert {route["PayloadFormatVersion"] for route in made["Routes"]} == {"2.0"}
    assert made["CorsConfiguration"] == {"AllowOrigins": ["*"], "MaxAge": 600}
    assert "Body" not in made
