"""Metrics out of log lines, as CloudWatch makes them."""

import json
from pathlib import Path

import pytest

from cratekeeper_local.metrics import Reader, figures_in

LINE = {
    "_aws": {
        "Timestamp": 1795248000000,
        "CloudWatchMetrics": [
            {"Namespace": "N", "Dimensions": [["Kind"]], "Metrics": [{"Name": "Duration", "Unit": "Milliseconds"}]}
        ],
    },
    "Kind": "track",
    "Duration": [5, 7],
}


def test_a_line_tells_its_figures() -> None:
    ((namespace, datum),) = figures_in(json.dumps(LINE))
    assert namespace == "N"
    assert datum["Timestamp"].isoformat() == "2026-11-21T08:00:00+00:00"
    assert {name: datum[name] for name in ("MetricName", "Dimensions", "Unit", "Values")} == {
        "MetricName": "Duration",
        "Dimensions": [{"Name": "Kind", "Value": "track"}],
        "Unit": "Milliseconds",
        "Values": [5, 7],
    }


def test_a_single_value_is_a_value() -> None:
    ((_, datum),) = figures_in(json.dumps({**LINE, "Duration": 5}))
    assert datum["Values"] == [5]


@pytest.mark.parametrize("line", ["", "START", '{"action": "x"}', '{"_aws": 1}', '{"_aws": {"CloudWatchMetrics": []}}'])
def test_any_other_line_tells_none(line: str) -> None:
    assert list(figures_in(line)) == []


def test_only_what_was_added_is_read_and_only_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "Processor.log"
    log.write_text(json.dumps(LINE) + "\n")
    reader = Reader(tmp_path)
    reader.skip()
    assert list(reader.read()) == []
    text = json.dumps(LINE)
    with log.open("a") as file:
        file.write(f"some words\n{text}\n{text[:40]}")
    assert len(list(reader.read())) == 1
    with log.open("a") as file:
        file.write(f"{text[40:]}\n")
    (tmp_path / "Projector.log").write_text(text + "\n")
    assert len(list(reader.read())) == 2
    assert list(reader.read()) == []
