"""Facts about the files as a whole: what must not stand in them, and names that must agree."""

import ast
import os
import re
import tomllib
from collections.abc import Iterator

import pytest

from tests.facts.tree import ROOT, SOURCES, files, modules, name_of, texts

HOSTS = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|yarnpkg|debian|ubuntu|docker|quay|ghcr)[.](?:org|com|io|net)\b"
    r"|\bpublic[.]ecr[.]aws\b|\bproxy[.]golang[.]org\b"
)
MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(?:root|home|Users|work|private)/[\w.-]+")
CASE_ID = re.compile(r"[A-Z]{1,3}-\d{2,3}")
VAGUE = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}
HEADINGS = ["context", "decision", "alternatives", "cost of undoing"]
MOCKS = {"mock", "unittest.mock", "pytest_mock"}


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_registry() -> None:
    assert found(HOSTS) == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert found(MACHINE_PATHS) == []


def case_marks(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.case"):
            yield node


def test_every_acceptance_case_is_well_named() -> None:
    wrong = [
        f"{name}:{mark.lineno}: {ast.unparse(mark)}"
        for name, tree in modules("tests")
        for mark in case_marks(tree)
        if not mark.args or mark.keywords or not all(map(is_case_id, mark.args))
    ]
    assert wrong == []


def is_case_id(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and CASE_ID.fullmatch(node.value) is not None


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_nothing_is_mocked() -> None:
    assert [name for name, tree in modules(*SOURCES, "tests") if MOCKS & {*imported(tree)}] == []


def test_the_product_never_imports_its_tests() -> None:
    assert [
        name for name, tree in modules(*SOURCES) if any(each.split(".")[0] == "tests" for each in imported(tree))
    ] == []


def test_no_module_has_a_vague_name() -> None:
    assert [name_of(path) for path in files() if {path.stem, path.parent.name} & VAGUE] == []


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_make_offers_every_command_with_a_line_of_help() -> None:
    offered = make_targets()
    assert offered >= {"setup", "run", "test", "check", "lint", "types", "unit", "facts"}
    assert offered >= {"validate", "build", "contract", "system", "prove", "bench"}
    assert offered >= {"docs", "lock", "clean"}


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_command_a_document_names_exists(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    code = re.findall(r"^```.*?^```|`[^`\n]+`", text, re.MULTILINE | re.DOTALL)
    named = {each for part in code for each in re.findall(r"\bmake ([a-z]+)", part)}
    assert named
    assert named <= make_targets()


def test_ci_runs_what_people_run() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text("utf-8")


def test_outside_programs_see_only_the_schemas_of_the_edge() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    contract = next(each for each in settings["contracts"] if each["name"].startswith("outside"))
    edge = (ROOT / "layers/core/cratekeeper/api").iterdir()
    modules = {path.stem for path in edge if path.suffix == ".py" or (path / "__init__.py").exists()}
    modules_of_edge = {stem for stem in modules if not stem.startswith("__")}
    hidden = {f"cratekeeper.api.{stem}" for stem in modules_of_edge - {"schemas", "openapi"}}
    assert {each for each in contract["forbidden_modules"] if ".api." in each} == hidden


def decisions() -> list[str]:
    return sorted(path.name for path in (ROOT / "docs/adr").glob("*.md"))


def test_decisions_are_numbered_without_gaps() -> None:
    assert [name[:5] for name in decisions()] == [f"{n:04}-" for n in range(1, len(decisions()) + 1)]


@pytest.mark.parametrize("name", decisions())
def test_a_decision_says_what_undoing_it_costs(name: str) -> None:
    text = (ROOT / "docs/adr" / name).read_text("utf-8").lower()
    headings = [each for each in re.findall(r"^## (.+)$", text, re.MULTILINE) if each in HEADINGS]
    assert headings == HEADINGS
