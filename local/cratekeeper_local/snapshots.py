"""Saved states on disk: written aside, made visible by one rename, checked before they are trusted."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MANIFEST: Final = "manifest.json"
KEPT: Final = 2
_DRAFT: Final = ".draft-"
_NAME: Final = "snapshot-"


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of numbered snapshots; the highest number is the newest."""

    folder: Path

    def newest_first(self) -> list[Path]:
        """All finished snapshots."""
        return sorted(self.folder.glob(f"{_NAME}*"), reverse=True)

    def draft(self) -> Path:
        """A new empty folder to write the next snapshot into; drafts of the dead are removed."""
        for left in self.folder.glob(f"{_DRAFT}*"):
            shutil.rmtree(left, ignore_errors=True)
        path = self.folder / f"{_DRAFT}{os.getpid()}"
        path.mkdir(parents=True)
        return path

    def commit(self, draft: Path) -> Path:
        """Seal the draft, make it the newest snapshot, drop all but the newest KEPT."""
        _seal(draft)
        known = self.newest_first()
        number = int(known[0].name.removeprefix(_NAME)) + 1 if known else 1
        path = self.folder / f"{_NAME}{number:010d}"
        draft.rename(path)
        for old in self.newest_first()[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
        return path

    def sound(self) -> Iterator[tuple[Path, str | None]]:
        """Snapshots from the newest on, each with what is wrong with it, None if it is whole."""
        for path in self.newest_first():
            yield path, _flaw(path)


def _seal(folder: Path) -> None:
    sums = {str(file.relative_to(folder)): _checksum(file) for file in _files(folder)}
    (folder / MANIFEST).write_text(json.dumps({"sha256": sums}), "utf-8")


def _flaw(folder: Path) -> str | None:
    try:
        sums: dict[str, str] = json.loads((folder / MANIFEST).read_text("utf-8"))["sha256"]
        for name, expected in sums.items():
            if _checksum(folder / name) != expected:
                return f"{name} is damaged"
    except FileNotFoundError as error:
        return f"{Path(str(error.filename)).name} is missing"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"{MANIFEST} cannot be read"
    return None


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != MANIFEST)


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
