"""The program itself: exit code, bugs, odd terminals, completion."""

import io
import sys
from pathlib import Path

import pytest

from cratekeeper_cli import main


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A home and a folder without any login; what main changes in sys is put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The exit code of `cratekeeper ARGUMENTS`."""
    monkeypatch.setattr(sys, "argv", ["cratekeeper", *arguments])
    with pytest.raises(SystemExit) as exited:
        main.main()
    return exited.value.code


def test_the_program_ends_with_the_code_of_its_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "limits") == 4
    assert capsys.readouterr().err.startswith("error: not logged in")


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_bug_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], debug: str
) -> None:
    monkeypatch.setenv("CRATEKEEPER_DEBUG", debug)
    monkeypatch.setattr(main, "MODULES", ["no module"])
    with pytest.raises(AttributeError) as bug:
        main.main()
    sys.excepthook(bug.type, bug.value, bug.tb)
    said = capsys.readouterr().err
    assert "AttributeError: 'str' object has no attribute 'add_to'" in said
    assert ("Traceback" in said) == bool(debug) == (len(said.splitlines()) > 1)


def test_a_terminal_without_unicode_is_no_reason_to_fall_over(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, encoding="ascii"))
    assert ended(monkeypatch, "show", "ä–") == 2
    sys.stderr.flush()
    assert raw.getvalue() == b"error: not a download id: '??'\n"


def test_completion_is_offered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("_CRATEKEEPER_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "cratekeeper wa")
    monkeypatch.setenv("COMP_CWORD", "1")
    ended(monkeypatch)
    assert capsys.readouterr().out.split() == ["watch"]
