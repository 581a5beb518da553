"""The comparison of the read-back: what counts as a difference, and where it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper_local.intrinsics import UNKNOWN
from cratekeeper_local.readback.compare import differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (5400, "5400"),
        (True, "true"),
        ("true", True),
        (100, 100.0),
        ({"a": 1}, {"a": 1, "more": 2}),
        ([1, {"a": 2}], [{"a": "2", "b": 3}, "1"]),
        (UNKNOWN, "anything"),
        ({"a": [UNKNOWN]}, {"a": ["x"]}),
    ],
)
def test_equal_enough(expected: Any, actual: Any) -> None:
    assert list(differences(expected, actual)) == []


@pytest.mark.parametrize(
    ("expected", "actual", "path"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b"),
        ({"a": {"b": 1}}, {"a": None}, "a.b"),
        ({"a": 1}, {}, "a"),
        ({"a": [1, 2]}, {"a": [1]}, "a"),
        ({"a": [1]}, {"a": [1, 2]}, "a"),
        ({"a": [1, 1]}, {"a": [1, 2]}, "a"),
        ({"a": []}, {"a": None}, "a"),
        ({"a": True}, {"a": 1}, "a"),
        ({"a": UNKNOWN}, {"a": ""}, "a"),
        ({"a": UNKNOWN}, {}, "a"),
    ],
)
def test_a_difference_is_named_by_its_path(expected: Any, actual: Any, path: str) -> None:
    assert list(differences(expected, actual)) == [path]


@given(value=JSON)
def test_anything_equals_itself(value: Any) -> None:
    assert list(differences(value, value)) == []


@given(value=JSON, name=st.text(max_size=3))
def test_a_missing_property_is_always_found(value: Any, name: str) -> None:
    found = list(differences({name: {"x": 1}, **({"other": value} if name != "other" else {})}, {"other": value}))
    assert found == [f"{name}.x" if name else "x"]
