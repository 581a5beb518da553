"""What the tree of commands gives to a module that adds to it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from cratekeeper_cli.errors import BadInput
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.host import Host
from cratekeeper_cli.tree import NoOptions, Run, Tree


@dataclass(frozen=True, slots=True)
class Words:
    """An argument, a list, a switch."""

    first: Annotated[str, typer.Argument(metavar="FIRST")]
    more: Annotated[list[str], typer.Option("--more")] = field(default_factory=list)
    loud: Annotated[bool, typer.Option("--loud")] = False


def say(run: Run, options: Words) -> Exit:
    """Say some words."""
    words = " ".join([options.first, *options.more])
    run.out.result({"words": words}, words.upper() if options.loud else words)
    return Exit.LIMITED


def hush(run: Run, _options: NoOptions) -> Exit:
    """Say nothing."""
    run.out.note("hush")
    return Exit.OK


@dataclass(frozen=True, slots=True)
class Times:
    """How often."""

    times: Annotated[int, typer.Option("--times")] = 1


def count(run: Run, options: Times) -> Exit:
    """Say how often."""
    run.out.note(str(options.times))
    return Exit.OK


def refuse(_run: Run, _options: NoOptions) -> Exit:
    """Refuse."""
    raise BadInput("no [bold]")


def leave(_run: Run, _options: NoOptions) -> Exit:
    """Be interrupted."""
    raise KeyboardInterrupt


@pytest.fixture
def tree() -> Tree:
    tree = Tree(help_text="Words.", epilog="")
    tree.command("say", say, examples=["say a"])
    tree.command("refuse", refuse, examples=["refuse"])
    tree.command("leave", leave, examples=["leave"])
    tree.group_with_default("silence", hush, examples=["silence"])
    tree.command("silence break", say, examples=["silence break now"])
    tree.group_with_default("loud", count, examples=["loud"])
    tree.command("loud say", say, examples=["loud say a"])
    tree.group("deep", help_text="Go down.")
    tree.group_with_default("deep down", hush, examples=["deep down"])
    tree.command("deep down say", say, examples=["deep down say a"])
    tree.command("deep a", hush, examples=["deep a"])
    return tree


@pytest.mark.parametrize(
    ("typed", "code", "stdout", "stderr"),
    [
        ("say a", 7, "a\n", ""),
        ("say a --more b --more c --loud", 7, "A B C\n", ""),
        ("say a --json", 7, '{\n  "words": "a"\n}\n', ""),
        ("silence", 0, "", "hush\n"),
        ("silence break now", 7, "now\n", ""),
        ("loud", 0, "", "1\n"),
        ("loud --times 2 say a", 2, "", "error: --times goes behind the command: … say …\n"),
        ("deep down", 0, "", "hush\n"),
        ("deep down say a --more b", 7, "a b\n", ""),
        ("refuse", 2, "", "error: no [bold]\n"),
        ("leave", 130, "", "interrupted\n"),
    ],
)
def test_commands_run_and_end(tree: Tree, typed: str, code: int, stdout: str, stderr: str) -> None:
    host = Host(environ={}, cwd=Path())
    ended = CliRunner().invoke(tree.root, typed.split(), obj=host, catch_exceptions=False)
    assert (ended.exit_code, ended.stdout, ended.stderr) == (code, stdout, stderr)


def test_commands_and_groups_are_listed_as_they_were_added(tree: Tree) -> None:
    tree.command("deep z", hush, examples=["deep z"])
    listed = CliRunner().invoke(tree.root, ["deep", "--help"]).stdout.partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line] == ["down", "a", "z"]
