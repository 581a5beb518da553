"""The repository as data: its files as git sees them, its modules as syntax trees."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("layers/core", "cli", "local", "functions")


@cache
def files() -> tuple[Path, ...]:
    """Every file that is tracked or would be: neither ignored nor deleted."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in listing.split("\0") if name)
    return tuple(sorted({path for path in paths if path.is_file()}))


def texts() -> Iterator[tuple[str, str]]:
    """Name and text of every file that is UTF-8; pictures and sounds are left out."""
    for path in files():
        try:
            yield name_of(path), path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


def modules(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Name and syntax tree of every Python file under `folders`."""
    for name, text in texts():
        if name.endswith(".py") and name.startswith(tuple(f"{folder}/" for folder in folders)):
            yield name, ast.parse(text, filename=name)


def name_of(path: Path) -> str:
    """The path from the root, with slashes, as messages show it."""
    return path.relative_to(ROOT).as_posix()
