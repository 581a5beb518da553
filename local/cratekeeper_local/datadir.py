"""The folder that holds all that a local stack remembers."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cratekeeper_local import lock
from cratekeeper_local.errors import USAGE, LocalStackError

MARKER: Final = ".cratekeeper-data"
LAYOUT: Final = "1"
_KEPT_BY_FRESH: Final = frozenset({MARKER, "lock"})


@dataclass(frozen=True, slots=True)
class DataDir:
    """The folder and the places in it. Nobody but its owner may look inside: it holds keys."""

    root: Path

    @property
    def snapshots(self) -> Path:
        """Saved states of the emulator."""
        return self.root / "state"

    @property
    def objects(self) -> Path:
        """The bytes of S3, one file for each object."""
        return self.root / "s3"

    @property
    def logs(self) -> Path:
        """What the emulator, the demo provider and each function wrote."""
        return self.root / "logs"

    @property
    def temp(self) -> Path:
        """Temporary files of the running stack; emptied at each start."""
        return self.root / "tmp"

    @property
    def builds(self) -> Path:
        """Zips that were built from the sources, by their content."""
        return self.root / "build"

    @property
    def keys(self) -> Path:
        """The API keys that were made for this stack."""
        return self.root / "keys.json"

    @property
    def ready(self) -> Path:
        """What a running stack tells about itself; gone when it stopped cleanly."""
        return self.root / "ready.json"

    @property
    def lock(self) -> Path:
        """Held while a stack runs here."""
        return self.root / "lock"

    @property
    def emulator_port(self) -> Path:
        """The port that the emulator had last."""
        return self.root / "emulator-port"

    @property
    def provider_port(self) -> Path:
        """The port that the demo provider had last."""
        return self.root / "provider-port"


@contextmanager
def opened(root: Path, *, fresh: bool) -> Iterator[tuple[DataDir, int]]:
    """Make the folder `root` ready and hold its lock, whose descriptor is the second value.

    `fresh` empties it first, but only a folder that a stack made. Raises LocalStackError.
    """
    data = DataDir(root.absolute())
    with ExitStack() as open_until_end:
        try:
            _claim(data.root)
            descriptor = open_until_end.enter_context(lock.held(data.lock))
            if fresh:
                _empty(data.root, keep=_KEPT_BY_FRESH)
            _prepare(data)
        except OSError as error:
            raise LocalStackError(f"cannot use the data folder {data.root}: {error.strerror}", USAGE) from error
        yield data, descriptor


def forget_unsaved(data: DataDir) -> bool:
    """Remove the objects that a first start left which ended before its first save; whether there were any.

    For a folder without a snapshot: all else that such a start made is gone, and nobody has had a key for it yet.
    Raises LocalStackError where keys show that there was a save once: those objects are somebody's.
    """
    if not any(data.objects.iterdir()):
        return False
    if data.keys.exists():
        raise LocalStackError(f"{data.root} has media but no saved state in {data.snapshots}; start anew with --fresh")
    _empty(data.objects, keep=frozenset())
    return True


def _claim(root: Path) -> None:
    """Mark an absent or empty folder as ours; refuse any other that has no mark."""
    if root.exists() and not root.is_dir():
        raise LocalStackError(f"{root} is a file, not a data folder", USAGE)
    marker = root / MARKER
    if marker.is_file():
        found = marker.read_text("utf-8").strip()
        if found != LAYOUT:
            raise LocalStackError(f"{root} has layout {found!r}, this version knows {LAYOUT!r}", USAGE)
        return
    if root.is_dir() and any(root.iterdir()):
        raise LocalStackError(f"{root} is not empty and was not made by a local stack: name another folder", USAGE)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    marker.write_text(LAYOUT + "\n", "utf-8")


def _prepare(data: DataDir) -> None:
    data.ready.unlink(missing_ok=True)
    # Function processes of a killed run leave their unpacked code behind.
    shutil.rmtree(data.temp, ignore_errors=True)
    _keep_last(data.logs)
    for folder in (data.snapshots, data.objects, data.logs, data.temp, data.builds):
        folder.mkdir(mode=0o700, exist_ok=True)


def _keep_last(logs: Path) -> None:
    """Let the logs of the last run stay beside those of this one."""
    if logs.is_dir():
        previous = logs.with_name(f"{logs.name}.previous")
        shutil.rmtree(previous, ignore_errors=True)
        logs.rename(previous)


def _empty(root: Path, *, keep: frozenset[str]) -> None:
    for entry in root.iterdir():
        if entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
