"""Settings of a start: checked by what the template declares, refused in one line that names them."""

import pytest

from cratekeeper_local.errors import USAGE, LocalStackError
from cratekeeper_local.parameters import checked
from cratekeeper_local.template import Template

TEMPLATE: Template = {
    "Parameters": {
        "Retries": {"Type": "Number", "Default": 5, "MinValue": 0, "MaxValue": 40},
        "Factor": {"Type": "Number", "Default": "2.0", "MinValue": 1},
        "Limit": {
            "Type": "String",
            "Default": "3",
            "AllowedPattern": "^(-1|[1-9][0-9]*)$",
            "ConstraintDescription": "must be at least 1, or -1",
        },
        "Idempotency": {"Type": "String", "Default": "true", "AllowedValues": ["true", "false"]},
        "Name": {"Type": "String", "Default": "", "MaxLength": 4},
        "Url": {"Type": "String", "AllowedPattern": "^(https?://\\S+)?$", "Default": ""},
    },
    "Resources": {},
}


def test_defaults_are_filled_in() -> None:
    assert checked(TEMPLATE, {"Retries": "0"}) == {
        "Retries": "0",
        "Factor": "2.0",
        "Limit": "3",
        "Idempotency": "true",
        "Name": "",
        "Url": "",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [("Retries", "40"), ("Factor", "1.5"), ("Limit", "-1"), ("Idempotency", "false"), ("Name", "abcd"), ("Url", "")],
)
def test_what_the_template_allows_is_taken(name: str, value: str) -> None:
    assert checked(TEMPLATE, {name: value})[name] == value


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("Retries", "-1", "must be at least 0"),
        ("Retries", "41", "must be at most 40"),
        ("Retries", "many", "must be a number"),
        ("Retries", "", "must be a number"),
        ("Retries", "nan", "must be a number"),
        ("Retries", "1_0", "must be a number"),
        ("Retries", " 1", "must be a number"),
        ("Limit", "0", "must be at least 1, or -1"),
        ("Limit", "1\n", "must be at least 1, or -1"),
        ("Idempotency", "TRUE", "must be one of true, false"),
        ("Name", "abcde", "must have at most 4 characters"),
        ("Url", "ftp://host", "must match"),
    ],
)
def test_anything_else_is_refused_by_name(name: str, value: str, why: str) -> None:
    with pytest.raises(LocalStackError, match=f"--set {name}={value}: {why}") as refused:
        checked(TEMPLATE, {name: value})
    assert refused.value.exit_code == USAGE


def test_an_unknown_name_is_refused_with_those_that_exist() -> None:
    with pytest.raises(LocalStackError, match="--set retries: there is no such parameter; known: Retries, "):
        checked(TEMPLATE, {"retries": "3"})


def test_a_parameter_without_default_must_be_given() -> None:
    template: Template = {"Parameters": {"Key": {"Type": "String"}}, "Resources": {}}
    with pytest.raises(LocalStackError, match="Key has no default"):
        checked(template, {})
