"""`local`: what can be refused without starting anything, and how the stack's errors end."""

import sys
from pathlib import Path

import pytest

from tests.unit.cli.program import Program


@pytest.mark.parametrize("command", ["up", "demo"])
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["MaxRetries"], "--set takes Parameter=value, not 'MaxRetries'"),
        (["=3"], "--set takes Parameter=value, not '=3'"),
        (["MaxRetries=3", "MaxRetries=4"], "--set MaxRetries is given twice"),
        (["Nonsense=1"], "Nonsense"),
    ],
)
def test_a_wrong_parameter_is_told_in_one_line(
    cli: Program, tmp_path: Path, command: str, settings: list[str], said: str
) -> None:
    options = [word for setting in settings for word in ("--set", setting)]
    ended = cli("local", command, "--port", "0", "--data-dir", str(tmp_path / "data"), *options)
    assert (ended.code, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1)
    assert said in ended.stderr


def test_no_stack_is_code_three(cli: Program, tmp_path: Path) -> None:
    ended = cli("local", "status", "--data-dir", str(tmp_path), "--json")
    assert (ended.code, ended.json["code"]) == (3, "local_stack")
    assert "cratekeeper local up" in ended.stderr


@pytest.mark.parametrize("content", [None, "{"])
def test_an_unusable_event_is_told_in_one_line(cli: Program, tmp_path: Path, content: str | None) -> None:
    event = tmp_path / "event.json"
    if content is not None:
        event.write_text(content)
    ended = cli("local", "invoke", "processor", "-e", str(event), "--data-dir", str(tmp_path))
    assert (ended.code, len(ended.stderr.splitlines())) == (2, 1)
    assert str(event) in ended.stderr


@pytest.mark.parametrize("missing", ["cratekeeper_local.errors", "cratekeeper_local.commands"])
def test_a_missing_package_is_told_with_the_way_to_get_it(
    cli: Program, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delattr(missing, raising=False)
    ended = cli("local", "status")
    assert (ended.code, ended.stdout) == (1, "")
    assert "make setup" in ended.stderr
