"""Zips of functions and layers: the same sources give the same zip, and it runs."""

import io
import zipfile
from pathlib import Path

import pytest

from cratekeeper_local.errors import LocalStackError
from cratekeeper_local.packaging import Package, packaged
from cratekeeper_local.project import Project
from cratekeeper_local.template import Template


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for path, text in {
        "functions/search/handler.py": "def handler(event, context): return 1\n",
        "layers/core/cratekeeper/__init__.py": "VERSION = 1\n",
        "layers/core/Makefile": "build:\n",
        "layers/deps/requirements.txt": "boto3\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "cache").mkdir()
    return Project(tmp_path)


def a_template() -> Template:
    return {
        "Resources": {
            "SearchFunction": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "functions/search"}},
            "Core": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "layers/core"}},
            "Deps": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "layers/deps"}},
        }
    }


def build(project: Project, template: Template | None = None) -> dict[str, Package]:
    made = packaged(template or a_template(), project, bucket="code", cache=project.root / "cache")
    return {package.key.split("/")[0]: package for package in made}


def names_in(package: Package) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(package.content)).namelist()


def test_each_package_holds_its_sources_and_their_byte_code(project: Project) -> None:
    built = build(project)
    function, core = names_in(built["SearchFunction"]), names_in(built["Core"])
    assert "handler.py" in function
    assert any(name.startswith("__pycache__/handler.") for name in function)
    assert "python/cratekeeper/__init__.py" in core
    assert any(name.startswith("python/cratekeeper/__pycache__/__init__.") for name in core)


def test_third_party_code_is_not_copied(project: Project) -> None:
    assert names_in(build(project)["Deps"]) == ["python/README"]


def test_the_template_points_to_what_was_built(project: Project) -> None:
    template = a_template()
    built = build(project, template)
    place = template["Resources"]["SearchFunction"]["Properties"]["CodeUri"]
    assert place == {"Bucket": "code", "Key": built["SearchFunction"].key}


def test_equal_sources_give_equal_packages_and_a_change_gives_another_key(project: Project) -> None:
    first = build(project)
    for kept in (project.root / "cache").iterdir():
        kept.unlink()
    assert build(project) == first
    (project.root / "layers/core/cratekeeper/__init__.py").write_text("VERSION = 2\n")
    second = build(project)
    assert second["Core"].key != first["Core"].key
    assert second["SearchFunction"] == first["SearchFunction"]


def test_a_missing_folder_is_named(project: Project) -> None:
    template = a_template()
    template["Resources"]["SearchFunction"]["Properties"]["CodeUri"] = "functions/nowhere"
    with pytest.raises(LocalStackError, match="SearchFunction: there is no folder"):
        build(project, template)


def test_code_that_does_not_compile_is_told_in_one_line(project: Project) -> None:
    (project.root / "functions/search/handler.py").write_text("def handler(:\n")
    with pytest.raises(LocalStackError, match=r"handler\.py does not compile") as refused:
        build(project)
    assert "\n" not in str(refused.value)
