"""What holds for every command, also for those that come later."""

import subprocess
import sys

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from cratekeeper import __version__
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.main import build
from cratekeeper_cli.manual import page
from tests.unit.cli.program import Program


def commands() -> dict[str, TyperCommand | TyperGroup]:
    """Every group and command, by the words to type; the root by none."""
    found: dict[str, TyperCommand | TyperGroup] = {}
    left: list[tuple[str, object]] = [("", typer.main.get_command(build()))]
    while left:
        path, command = left.pop()
        assert isinstance(command, TyperCommand | TyperGroup)
        found[path] = command
        inner = command.commands if isinstance(command, TyperGroup) else {}
        left += [(f"{path} {name}".strip(), one) for name, one in inner.items()]
    return found


COMMANDS = commands()
GROUPS = {"", "request", "library", "local", "admin", "admin keys"}


@pytest.mark.parametrize("path", sorted(COMMANDS.keys() - GROUPS))
def test_every_command_has_json_and_examples_in_its_help(cli: Program, path: str) -> None:
    ended = cli.having({"COLUMNS": "80"})(*path.split(), "--help")
    assert (ended.code, ended.stderr) == (0, "")
    assert "--json" in ended.stdout
    assert f"Examples:\n    cratekeeper {path}" in ended.stdout


@pytest.mark.parametrize("path", sorted(COMMANDS.keys() - {""}))
def test_what_a_list_of_commands_says_is_not_cut(path: str) -> None:
    assert not COMMANDS[path].get_short_help_str(limit=61).endswith("...")


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_a_wrong_option_is_told_in_one_line(cli: Program, path: str) -> None:
    ended = cli(*path.split(), "--wrong")
    assert (ended.code, ended.stdout) == (2, "")
    assert [line for line in ended.stderr.splitlines() if line.startswith("Error:")]
    assert "Traceback" not in ended.stderr


def test_help_names_every_exit_code(cli: Program) -> None:
    words = cli("--help").stdout.replace("\n", " ")
    assert all(f" {int(code)} " in words for code in Exit)


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_the_manual_has_the_help_of_every_command(cli: Program, path: str) -> None:
    words = " ".join(["cratekeeper", *path.split()])
    section = page(build()).partition(f"## `{words}`\n")[2].partition("\n## ")[0]
    said = cli(*path.split(), "--help").stdout
    assert len(section) > 100
    assert said.splitlines()[2].strip() in section


def test_version(cli: Program) -> None:
    assert cli("--version").stdout == f"cratekeeper {__version__}\n"


def test_help_loads_neither_the_network_nor_the_stack() -> None:
    code = "import sys, cratekeeper_cli.main as main; main.build(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "typer" in loaded
    assert not {"httpx", "boto3", "cratekeeper_local"} & set(loaded)
