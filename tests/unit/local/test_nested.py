"""Nested stacks of the template on one machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cratekeeper_local.deploy import Stack
from cratekeeper_local.errors import LocalStackError
from cratekeeper_local.nested import Nested, nested_in
from cratekeeper_local.project import Project

NO_AWS: Any = None
TEMPLATE = """
Parameters:
  Queue: {Type: String}
  Topic: {Type: String, Default: ''}
Conditions:
  HasTopic: !Not [!Equals [!Ref Topic, '']]
Resources:
  Full:
    Type: AWS::CloudWatch::Alarm
    Properties:
      {Dimensions: [{Name: QueueName, Value: !Ref Queue}],
       AlarmActions: !If [HasTopic, [!Ref Topic], !Ref AWS::NoValue]}
  Page:
    Type: AWS::CloudWatch::Dashboard
    Properties: {DashboardName: !Sub '${AWS::StackName}-page', DashboardBody: !Sub '{"queue": "${Queue}"}'}
"""


def nested(tmp_path: Path, given: Mapping[str, object], text: str = TEMPLATE) -> Nested:
    (tmp_path / "nested.yaml").write_text(text)
    template = {"Resources": {"Work": {"Type": "AWS::SQS::Queue"}}}
    properties = {"TemplateURL": "nested.yaml", "Parameters": given}
    stack = Stack(template, {}, {"Work": "http://127.0.0.1/0/work"}, {"Inner": properties})
    (found,) = nested_in(NO_AWS, Project(tmp_path), stack)
    return found


def test_parameters_are_resolved_in_the_outer_stack_and_the_rest_in_the_inner(tmp_path: Path) -> None:
    alarm, page = nested(tmp_path, {"Queue": {"Fn::GetAtt": ["Work", "QueueName"]}}).resources()
    assert (alarm.logical, alarm.physical) == ("Inner.Full", "cratekeeper-Full")
    assert alarm.expected == {"Dimensions": [{"Name": "QueueName", "Value": "work"}]}
    assert (page.physical, page.expected["DashboardBody"]) == ("cratekeeper-Inner-page", '{"queue": "work"}')


def test_a_parameter_that_is_given_wins_over_its_default(tmp_path: Path) -> None:
    alarm, _ = nested(tmp_path, {"Queue": "q", "Topic": "arn:t"}).resources()
    assert alarm.expected["AlarmActions"] == ["arn:t"]


@pytest.mark.parametrize("given", [{}, {"Queue": "q", "Other": "x"}, {"Queue": {"Fn::GetAtt": ["Gone", "QueueName"]}}])
def test_a_parameter_without_value_or_declaration_is_refused(tmp_path: Path, given: dict[str, object]) -> None:
    with pytest.raises(LocalStackError, match=r"Inner: the parameter (Queue|Other) is unknown or has no value"):
        nested(tmp_path, given)


def test_a_reference_within_is_refused(tmp_path: Path) -> None:
    text = TEMPLATE.replace("!Ref Queue}", "!GetAtt Page.Arn}")
    with pytest.raises(LocalStackError, match=r"refers to Page\.Arn"):
        list(nested(tmp_path, {"Queue": "q"}, text).resources())
