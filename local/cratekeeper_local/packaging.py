"""Zips of functions and layers, built from the sources without network and without SAM.

They hold byte code beside the sources, which halves a cold start. Third-party code is not
copied: function processes run on this environment's interpreter, which has it.
"""

import hashlib
import io
import py_compile
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cratekeeper_local.errors import LocalStackError
from cratekeeper_local.project import Project, host_runtime
from cratekeeper_local.template import Template, resources_of

_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)  # equal sources give equal zips
_SKIPPED: Final = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache"})
_NOTE: Final = {"python/README": b"Third-party code comes from the environment that runs the functions.\n"}


@dataclass(frozen=True, slots=True)
class Package:
    """One zip; its name holds the sum of its content."""

    key: str
    content: bytes


def packaged(template: Template, project: Project, *, bucket: str, cache: Path) -> list[Package]:
    """Build what the template's local paths name, and point the template to it in `bucket`.

    Raises LocalStackError for a path that is no folder.
    """
    built = []
    for name, properties in resources_of(template, "AWS::Serverless::Function").items():
        package = _package(name, _sources(project, name, properties["CodeUri"]), cache)
        properties["CodeUri"] = {"Bucket": bucket, "Key": package.key}
        built.append(package)
    for name, properties in resources_of(template, "AWS::Serverless::LayerVersion").items():
        package = _package(name, _layer(project, name, properties["ContentUri"]), cache)
        properties["ContentUri"] = {"Bucket": bucket, "Key": package.key}
        built.append(package)
    return built


def _layer(project: Project, name: str, uri: object) -> Mapping[str, bytes]:
    if (project.root / str(uri)).resolve() != project.core_layer.resolve():
        return _NOTE
    return {f"python/{path}": content for path, content in _sources(project, name, uri).items()}


def _sources(project: Project, name: str, uri: Any) -> dict[str, bytes]:
    folder = project.root / str(uri)
    if not folder.is_dir():
        raise LocalStackError(f"{name}: there is no folder {folder}")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc" and not _SKIPPED.intersection(path.parts):
            yield path


def _package(name: str, sources: Mapping[str, bytes], cache: Path) -> Package:
    key = f"{name}/{_sum(sources)}.zip"
    kept = cache / key.replace("/", "-")
    if not kept.is_file():
        draft = kept.with_suffix(".draft")
        draft.write_bytes(_zip({**sources, **_byte_code(sources)}))
        draft.replace(kept)
    return Package(key, kept.read_bytes())


def _sum(sources: Mapping[str, bytes]) -> str:
    total = hashlib.sha256(host_runtime().encode())
    for path, content in sources.items():
        total.update(f"{path}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:32]


def _byte_code(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Compiled modules at the places where Python looks, never checked against their source."""
    compiled = {}
    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch, "source.py"), Path(scratch, "target.pyc")
        for path, content in sources.items():
            if path.endswith(".py"):
                source.write_bytes(content)
                unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
                try:
                    py_compile.compile(str(source), str(target), dfile=path, doraise=True, invalidation_mode=unchecked)
                except py_compile.PyCompileError as error:
                    raise LocalStackError(f"{path} does not compile: {error.exc_value}") from error
                compiled[_beside(path)] = target.read_bytes()
    return compiled


def _beside(path: str) -> str:
    folder, _, name = path.rpartition("/")
    cached = f"__pycache__/{name.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"
    return f"{folder}/{cached}" if folder else cached


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(path, _LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
