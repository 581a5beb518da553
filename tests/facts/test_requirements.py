"""The requirement files: pinned, hashed, without hosts, and what the environment holds."""

import re
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.facts.tree import ROOT

FOLDER = ROOT / "requirements"
LOCKS = ("run", "dev", "sam", "uv")
HOSTS = re.compile(r"^.*(?:://|--(?:extra-)?index|--find-links|\bwww\.).*$", re.MULTILINE)
LAYER = ROOT / "layers/deps/requirements.txt"


@dataclass(frozen=True, slots=True)
class Pin:
    requirement: Requirement
    hashes: int

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def applies(self) -> bool:
        return self.requirement.marker is None or self.requirement.marker.evaluate()

    @property
    def version(self) -> str:
        return str(self.requirement.specifier).removeprefix("==")


def pins(lock: str) -> list[Pin]:
    text = (FOLDER / f"{lock}.txt").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return [Pin(Requirement(line.split("--hash=")[0].strip()), line.count("--hash=sha256:")) for line in lines]


def wishes(lock: str) -> list[Requirement]:
    lines = (FOLDER / f"{lock}.in").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def declared() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {"": project["dependencies"], **project["optional-dependencies"]}


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_no_requirement_names_a_host(path: Path) -> None:
    assert HOSTS.findall(path.read_text("utf-8")) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_is_pinned_and_hashed(lock: str) -> None:
    loose = [
        str(pin.requirement)
        for pin in pins(lock)
        if pin.hashes == 0 or not re.fullmatch(r"==[^,*]+", str(pin.requirement.specifier))
    ]
    assert pins(lock)
    assert loose == []


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_answers_every_wish(lock: str) -> None:
    locked = {pin.name: pin for pin in pins(lock)}
    unanswered = [
        str(wish)
        for wish in wishes(lock)
        if (pin := locked.get(canonicalize_name(wish.name))) is None or pin.version not in wish.specifier
    ]
    assert unanswered == [], "run: make lock"


def test_development_runs_what_the_layer_carries() -> None:
    developed = {(pin.name, pin.version) for pin in pins("dev")}
    assert {(pin.name, pin.version) for pin in pins("run")} <= developed


def test_the_layer_carries_the_run_set() -> None:
    assert LAYER.read_text("utf-8") == (FOLDER / "run.txt").read_text("utf-8"), "run: make lock"


def test_the_sdk_is_the_one_that_the_emulator_fixes() -> None:
    fixed = [Requirement(line) for line in metadata.requires("ministack") or []]
    botocore = next(each for each in fixed if each.name == "botocore")
    ours = next(pin for pin in pins("run") if pin.name == "botocore")
    assert str(botocore.specifier) == f"=={ours.version}"


def test_the_environment_is_the_lock() -> None:
    wrong = [str(pin.requirement) for pin in pins("dev") if pin.applies and metadata.version(pin.name) != pin.version]
    assert wrong == [], "run: make setup"


def test_the_project_declares_what_it_locks() -> None:
    locked = {pin.name for pin in pins("dev")}
    names = {canonicalize_name(each) for group in declared().values() for each in group}
    assert names <= locked
    assert {canonicalize_name(wish.name) for wish in wishes("run")} <= set(declared()[""])
