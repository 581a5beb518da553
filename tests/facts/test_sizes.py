"""The measures that keep each piece readable in one sitting."""

import ast
import re

import pytest

from tests.facts.tree import ROOT, SOURCES, modules, texts

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
FILE_LINES = {"tests/": 600, "": 400}
"""A suite may be longer than what it tests: its parts do not lean on each other."""
FUNCTION_LINES = 50
LONGEST = {"template.yaml": 720, "README.md": 150}


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def most_lines(name: str) -> int:
    return next(most for folder, most in FILE_LINES.items() if name.startswith(folder))


def test_no_file_is_too_long() -> None:
    assert [
        f"{name}: {length}"
        for name, text in texts()
        if name.endswith(".py") and (length := len(text.splitlines())) > most_lines(name)
    ] == []


def test_no_function_is_too_long() -> None:
    assert [
        f"{name}:{node.lineno} {node.name}: {lines_of(node)}"
        for name, tree in modules(*SOURCES, "tests", "docs")
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS) and lines_of(node) > FUNCTION_LINES
    ] == []


@pytest.mark.parametrize(("name", "most"), LONGEST.items())
def test_a_document_is_not_too_long(name: str, most: int) -> None:
    length = len((ROOT / name).read_text("utf-8").splitlines())
    assert length <= most


def test_handlers_fit_one_screen_or_two() -> None:
    handlers = {name: text for name, text in texts() if name.endswith("/handler.py")}
    assert handlers
    assert [name for name, text in handlers.items() if len(text.splitlines()) > 150] == []


def test_types_are_seldom_ignored() -> None:
    silenced = re.compile(r"#\s*(?:type|pyright): ignore")
    assert (
        sum(len(silenced.findall(text)) for name, text in texts() if name.endswith(".py") and name.startswith(SOURCES))
        <= 3
    )
