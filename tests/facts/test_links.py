"""What documents point at exists: files, headings, commands, make targets, routes, settings, resources."""

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Final

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from cratekeeper_cli.main import build
from tests.facts.template import document, parameters
from tests.facts.tree import ROOT, files, name_of

DOCUMENTS: Final = sorted(name_of(path) for path in files() if path.suffix == ".md" and "docs/adr" not in name_of(path))
DECISIONS: Final = sorted(name_of(path) for path in files() if path.suffix == ".md" and "docs/adr" in name_of(path))
GENERATED: Final = {"docs/cli.md", "docs/states.md", "docs/settings.md"}
WRITTEN: Final = [name for name in DOCUMENTS if name not in GENERATED]
FENCE: Final = re.compile(r"^```[^\n]*\n.*?^```$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"!?\[[^\]\n]+\]\(([^)\s]+)\)")
SPAN: Final = re.compile(r"`([^`\n]+)`")
ROUTE: Final = re.compile(r"\b(GET|POST|PATCH|DELETE|PUT) (/[\w/{}.-]+)")
FOLDERS: Final = "events|layers|functions|infra|tests|docs|local|cli"
FILE: Final = re.compile(rf"(?<![\w./-])((?:{FOLDERS})/[\w./-]+\.(?:json|py|yaml|md))\b")
NAMED: Final = re.compile(
    r"^(?:[A-Z][a-z]+)+(?:Function|Table|Queue|Bucket|Secret|Seconds|Schedule|Retries|Days|Url|Name|Per[A-Z]\w+)$"
)
NAME_OF: Final = re.compile(r"name_of ([A-Z]\w+)")
OUTSIDE: Final = ("http://", "https://", "mailto:")


@cache
def text_of(name: str) -> str:
    """A document."""
    return (ROOT / name).read_text("utf-8")


def code_of(name: str) -> Iterator[str]:
    """Every line of its code blocks, continued ones joined, and every code span of its prose."""
    text = text_of(name)
    for block in FENCE.findall(text):
        yield from block.replace("\\\n", " ").splitlines()[1:-1]
    yield from SPAN.findall(FENCE.sub("", text))


def anchors(name: str) -> set[str]:
    """The anchors of a document's headings, as they are made for the web."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(name)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", [*DOCUMENTS, *DECISIONS])
def test_every_relative_link_leads_somewhere(name: str) -> None:
    lost = []
    for link in LINK.findall(FENCE.sub("", text_of(name))):
        if link.startswith(OUTSIDE):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(name_of(target.resolve()))):
            lost.append(link)
    assert lost == []


@cache
def command_tree() -> TyperCommand | TyperGroup:
    """The command line as it parses."""
    root = get_command(build())
    assert isinstance(root, TyperCommand | TyperGroup)
    return root


def unknown_command(line: str) -> str | None:
    """The first word of a call of `cratekeeper` that it would refuse; None if there is none."""
    words = shlex.split(line, comments=True)
    at: TyperCommand | TyperGroup = command_tree()
    for word in words[1:]:
        if word in {"|", "&&", ";", ">", "&"}:
            break
        if word.startswith("--"):
            known = {option for param in at.params for option in param.opts} | {"--help"}
            if word.partition("=")[0] not in known:
                return word
        elif isinstance(at, TyperGroup) and re.fullmatch(r"[a-z-]+", word):
            if word not in at.commands:
                return word
            found = at.commands[word]
            assert isinstance(found, TyperCommand | TyperGroup)
            at = found
    return None


def calls(name: str) -> list[str]:
    """Calls of the command line that a document shows; `a|b` in one stands for several and is left out."""
    starts = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?cratekeeper ")
    return [re.sub(r"^\$ ", "", line) for line in code_of(name) if starts.match(line) and "…" not in line]


@pytest.mark.parametrize("name", WRITTEN)
def test_every_command_that_a_document_shows_exists(name: str) -> None:
    assert {line: word for line in calls(name) if (word := unknown_command(line))} == {}


def test_a_wrong_command_is_noticed() -> None:
    assert unknown_command("cratekeeper queue stop") == "stop"
    assert unknown_command("cratekeeper queue pause --for-ever") == "--for-ever"
    assert unknown_command(".venv/bin/cratekeeper request album GLcMOkJHqRmyflbHvhSjLU --wait") is None


@pytest.mark.parametrize("name", WRITTEN)
def test_every_make_target_that_a_document_shows_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", text_of_makefile(), re.MULTILINE))
    shown = {target for line in code_of(name) for target in re.findall(r"^make ([a-z]+)", line)}
    assert shown <= targets


@cache
def text_of_makefile() -> str:
    """The Makefile."""
    return (ROOT / "Makefile").read_text("utf-8")


@cache
def routes() -> set[str]:
    """Every route of the API, its parameters without names."""
    paths = json.loads((ROOT / "docs/openapi.json").read_text("utf-8"))["paths"]
    return {f"{method.upper()} {unnamed(path)}" for path, methods in paths.items() for method in methods}


def unnamed(path: str) -> str:
    """A path whose parameters have no names."""
    return re.sub(r"\{\w+\}", "{}", path)


@pytest.mark.parametrize("name", [name for name in WRITTEN if name != "CONTRIBUTING.md"])
def test_every_route_that_a_document_names_exists(name: str) -> None:
    named = {f"{method} {unnamed(path)}" for line in code_of(name) for method, path in ROUTE.findall(line)}
    assert named <= routes()


@pytest.mark.parametrize("name", WRITTEN)
def test_every_file_that_a_document_names_exists(name: str) -> None:
    pattern = re.compile(
        r"(?<![\w./-])((?:events|layers|functions|infra|tests|docs|local|cli)/[\w./-]+\.(?:json|py|yaml|md))\b"
    )
    named = {path for line in code_of(name) for path in pattern.findall(line) if "NNNN" not in path}
    assert {path for path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("name", [name for name in WRITTEN if name.startswith("docs/") or name == "README.md"])
def test_every_setting_and_resource_that_a_document_names_exists(name: str) -> None:
    content = document()
    known = {*parameters(), *content["Resources"], *content["Outputs"]}
    pattern = re.compile(
        r"^(?:[A-Z][a-z]+){2,}(?:Function|Table|Queue|Bucket|Secret|Seconds|Schedule|Policy|Url|Name)$"
    )
    named = {span for span in code_of(name) if pattern.match(span)}
    assert named <= known


SAM_GENERATED: Final = {"ChangeMessageVisibility"}
"""Words that look like names of the template, and are those of services."""
