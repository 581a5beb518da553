"""The port Log: one JSON line per outcome, and no secret in it."""

import io
import json
from typing import Any

import pytest

from cratekeeper.adapters.telemetry import LONGEST, EmfMetrics, JsonLog
from cratekeeper.domain.metrics import BYTES, DURATION, FAILURE_RATE, LEASE_LOSSES, PROCESSED, Measure
from cratekeeper.domain.states import State
from cratekeeper.domain.text import HIDDEN
from tests.memory.virtual import VirtualClock

KEY = "ck_0123456789abcdefghijklmnopqrstuvwxyz-_ABCDE"


def lines(level: str = "INFO", /, **fields: object) -> list[dict[str, Any]]:
    stream = io.StringIO()
    log = JsonLog(level, clock=VirtualClock(), stream=stream, fields={"function": "processor"})
    log.info("claimed", **fields)
    log.warning("ring_failed", **fields)
    assert stream.getvalue().count("\n") == len(stream.getvalue().splitlines())
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_object() -> None:
    found = lines(download_id="01X", state=State.PAUSED, count=3, reason=None)
    shared: dict[str, object] = {
        "timestamp": "2026-11-21T08:00:00.000+00:00",
        "function": "processor",
        "download_id": "01X",
    }
    shared |= {"state": "PAUSED", "count": 3, "reason": None}
    assert found == [
        {**shared, "level": "INFO", "action": "claimed"},
        {**shared, "level": "WARNING", "action": "ring_failed"},
    ]


@pytest.mark.parametrize(
    ("level", "actions"),
    [
        ("DEBUG", ["claimed", "ring_failed"]),
        ("INFO", ["claimed", "ring_failed"]),
        ("WARNING", ["ring_failed"]),
        ("ERROR", []),
        ("CRITICAL", []),
    ],
)
def test_what_is_less_severe_is_left_out(level: str, actions: list[str]) -> None:
    assert [line["action"] for line in lines(level)] == actions


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        JsonLog("LOUD", clock=VirtualClock())


def test_foreign_text_stays_in_its_line() -> None:
    found = lines(reason="one\ntwo\r\u2028 \ud800", nested={"a": ["\x00"]}, odd={1: {2}}, path=object)
    assert found[0]["reason"] == "one\ntwo\r\u2028 \ud800"
    assert found[0]["nested"] == {"a": ["\x00"]}


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": f"no such key: {KEY}."},
        {"headers": {"authorization": KEY}},
        {"Authorization": "anything"},
        {"key": "anything"},
        {"key_hash": "anything"},
        {"api_key": "anything"},
        {"client_secret": "anything"},
        {"session_token": "anything"},
        {"pepper": "anything"},
        {"url": "http://127.0.0.1/b/k?X-Amz-Credential=anything&X-Amz-Signature=abcdef0123"},
        {"url": "http://user:anything@127.0.0.1/"},
        {"reason": "Authorization: Bearer anything.at-all"},
        {"error": ValueError(f"bad {KEY}")},
        {"deep": [{"list": (KEY,)}]},
    ],
)
def test_secrets_are_hidden(fields: dict[str, object]) -> None:
    text = json.dumps(lines(**fields))
    assert HIDDEN in text
    assert not [secret for secret in (KEY, KEY[3:], "anything", "abcdef0123") if secret in text]


@pytest.mark.parametrize(
    "fields",
    [
        {"key_id": "k1"},
        {"object": "audio/x.ogg"},
        {"download_id": "01X"},
        {"url": "http://127.0.0.1/b/k?part=1"},
    ],
)
def test_other_fields_are_shown(fields: dict[str, object]) -> None:
    assert HIDDEN not in json.dumps(lines(**fields))


def test_a_huge_text_is_cut() -> None:
    found = lines(reason="é" * 10_000_000, error=ValueError("x" * 10_000), keys=f"{KEY} " * 10_000)
    assert found[0]["reason"] == "é" * LONGEST
    assert len(found[0]["error"]) == LONGEST
    assert KEY[3:] not in found[0]["keys"]


# Metrics


def figures(*measures: Measure, namespace: str = "Cratekeeper/test") -> list[dict[str, Any]]:
    stream = io.StringIO()
    EmfMetrics(namespace, clock=VirtualClock(), stream=stream).emit(*measures)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_figure_is_a_line_in_the_embedded_metric_format() -> None:
    (line,) = figures(Measure(PROCESSED, [2], {"Kind": "track", "Result": "failed"}))
    directive = {
        "Namespace": "Cratekeeper/test",
        "Dimensions": [["Kind", "Result"]],
        "Metrics": [{"Name": "Processed", "Unit": "Count"}],
    }
    assert line == {
        "_aws": {"Timestamp": 1795248000000, "CloudWatchMetrics": [directive]},
        "Kind": "track",
        "Result": "failed",
        "Processed": [2],
    }


def test_figures_with_the_same_dimensions_share_a_line() -> None:
    found = figures(Measure(BYTES, [5]), Measure(DURATION, [7], {"Kind": "track"}), Measure(LEASE_LOSSES, [1]))
    assert [line.keys() - {"_aws"} for line in found] == [{"Bytes", "LeaseLosses"}, {"Kind", "Duration"}]
    assert found[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]


def test_a_line_holds_a_hundred_values_of_a_metric() -> None:
    found = figures(Measure(FAILURE_RATE, [*range(250)]), Measure(BYTES, [1]))
    assert [len(line["FailureRate"]) for line in found] == [100, 100, 50]
    assert ["Bytes" in line for line in found] == [True, False, False]
    names = [[each["Name"] for each in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]] for line in found]
    assert names == [["FailureRate", "Bytes"], ["FailureRate"], ["FailureRate"]]


def test_without_a_namespace_nobody_is_told() -> None:
    assert figures(Measure(BYTES, [1]), namespace="") == figures() == []


def test_figures_go_where_the_platform_looks(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics("Cratekeeper/test", clock=VirtualClock()).emit(Measure(BYTES, [1]))
    assert json.loads(capsys.readouterr().out)["Bytes"] == [1]
