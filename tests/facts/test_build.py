"""The build rules that `sam build` runs, run as it runs them: in a copy, with ARTIFACTS_DIR."""

import os
import re
import shutil
import subprocess
import sys
from importlib.machinery import SourcelessFileLoader
from pathlib import Path
from types import CodeType

import pytest

from tests.facts import template
from tests.facts.tree import ROOT

THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
UNCHECKED_HASH = (0b01).to_bytes(4, "little")
"""Second word of a .pyc whose source is not looked at again (PEP 552)."""


def build(target: str, *, makefile: str, of: Path, into: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one build rule in `of`; `into` is what Lambda would unpack."""
    into.mkdir()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["make", "--no-print-directory", "--makefile", str(ROOT / makefile), target],
        cwd=of,
        env={"PATH": path, "ARTIFACTS_DIR": str(into), "CRATEKEEPER_PYTHON": THIS_PYTHON, **variables},
        check=False,
        capture_output=True,
        text=True,
    )


def module_file(folder: Path, source: str) -> Path:
    """The bytecode of a source file that was built."""
    path = folder / source
    return path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"


def code_in(bytecode: Path) -> CodeType:
    """The code object in a .pyc that is never compared with its source."""
    assert bytecode.read_bytes()[4:8] == UNCHECKED_HASH
    code = SourcelessFileLoader(bytecode.stem, str(bytecode)).get_code(bytecode.stem)
    assert isinstance(code, CodeType)
    return code


def test_a_function_is_its_handler_with_bytecode(tmp_path: Path) -> None:
    source, built = tmp_path / "source", tmp_path / "built"
    source.mkdir()
    (source / "handler.py").write_text("def handler(event, context):\n    return event\n", "utf-8")
    (source / "__init__.py").touch()
    result = build("build-RequestsFunction", makefile="functions/Makefile", of=source, into=built)
    assert (result.returncode, result.stderr) == (0, "")
    compiled = module_file(built, "handler.py")
    assert {path for path in built.rglob("*") if path.is_file()} == {built / "handler.py", compiled}
    assert code_in(compiled).co_filename == "/var/task/handler.py"


@pytest.fixture
def core(tmp_path: Path) -> Path:
    """A copy of layers/core in which an interpreter of another version has left something."""
    source = tmp_path / "core"
    shutil.copytree(ROOT / "layers/core", source, ignore=shutil.ignore_patterns("__pycache__"))
    left = source / "cratekeeper" / "__pycache__"
    left.mkdir()
    (left / "old.cpython-39.pyc").touch()
    return source


def test_the_core_layer_is_the_product_with_bytecode(core: Path, tmp_path: Path) -> None:
    built = tmp_path / "built"
    result = build("build-CoreLayer", makefile="layers/core/Makefile", of=core, into=built)
    assert (result.returncode, result.stderr) == (0, "")
    modules = {path.relative_to(core) for path in core.rglob("*.py")}
    assert {path.relative_to(built / "python") for path in built.rglob("*.py")} == modules
    assert set(built.rglob("*.pyc")) == {module_file(built / "python", str(each)) for each in modules}
    ids = module_file(built / "python", "cratekeeper/domain/ids.py")
    assert code_in(ids).co_filename == "/opt/python/cratekeeper/domain/ids.py"


def test_a_build_without_the_interpreter_ships_source_alone(core: Path, tmp_path: Path) -> None:
    built = tmp_path / "built"
    result = build("build-CoreLayer", makefile="layers/core/Makefile", of=core, into=built, CRATEKEEPER_PYTHON="3.99")
    assert (result.returncode, result.stderr) == (0, "")
    assert list(built.rglob("*.py"))
    assert list(built.rglob("*.pyc")) == []


@pytest.mark.parametrize(
    ("architecture", "machine"), [("arm64", "aarch64-manylinux2014"), ("x86_64", "x86_64-manylinux2014")]
)
def test_the_deps_layer_is_fetched_for_the_processor_of_lambda(architecture: str, machine: str, tmp_path: Path) -> None:
    """A stand-in for uv writes down how it is called; offline it fails, so both calls are seen."""
    tool = tmp_path / "tools" / "uv"
    tool.parent.mkdir()
    tool.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncase "$*" in *--offline*) exit 2;; esac\n', encoding="utf-8"
    )
    tool.chmod(0o755)
    result = build(
        "build-DepsLayer",
        makefile="layers/deps/Makefile",
        of=ROOT / "layers/deps",
        into=tmp_path / "built",
        PATH=f"{tool.parent}{os.pathsep}{os.environ['PATH']}",
        CRATEKEEPER_ARCHITECTURE=architecture,
        CRATEKEEPER_PYTHON="3.99",
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("No python3.99 on PATH: built without bytecode")
    offline, online = (tmp_path / "calls").read_text("utf-8").splitlines()
    assert offline == f"{online} --offline"
    for option in (
        f"--target {tmp_path}/built/python",
        f"--python-platform {machine}",
        "--python-version 3.99",
        "--only-binary :all:",
        "--require-hashes",
        "--requirement requirements.txt",
    ):
        assert option in online


def test_an_unknown_architecture_is_refused_in_one_line(tmp_path: Path) -> None:
    result = build(
        "build-RequestsFunction",
        makefile="functions/Makefile",
        of=tmp_path,
        into=tmp_path / "built",
        CRATEKEEPER_ARCHITECTURE="sparc",
    )
    assert result.returncode != 0
    (line,) = result.stderr.splitlines()
    assert "CRATEKEEPER_ARCHITECTURE is arm64 or x86_64, not 'sparc'" in line


def test_the_layer_carries_the_locked_run_set() -> None:
    assert (ROOT / "layers/deps/requirements.txt").read_text("utf-8") == (ROOT / "requirements/run.txt").read_text(
        "utf-8"
    )


def test_the_build_is_for_the_machine_of_the_template() -> None:
    text = (ROOT / "layers/build.mk").read_text("utf-8")
    defaults = dict(re.findall(r"^(CRATEKEEPER_\w+) \?= (\S+)$", text, re.MULTILINE))
    parameters = template.parameters()
    assert defaults == {
        "CRATEKEEPER_PYTHON": parameters["Runtime"]["Default"].removeprefix("python"),
        "CRATEKEEPER_ARCHITECTURE": parameters["Architecture"]["Default"],
    }


@pytest.mark.parametrize("layer", template.ids("AWS::Serverless::LayerVersion"))
def test_a_layer_is_built_for_what_it_says(layer: str) -> None:
    resource = template.resource(layer)
    assert resource["Metadata"] == {"BuildMethod": "makefile", "BuildArchitecture": {"Ref": "Architecture"}}
    assert resource["Properties"]["CompatibleArchitectures"] == [{"Ref": "Architecture"}]
    assert resource["Properties"]["CompatibleRuntimes"] == [{"Ref": "Runtime"}]
    rules = (ROOT / resource["Properties"]["ContentUri"] / "Makefile").read_text("utf-8")
    assert f"\nbuild-{layer}:\n" in rules
