"""Snapshots on disk: visible whole or not at all, and never trusted unread."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cratekeeper_local.snapshots import KEPT, MANIFEST, Shelf


def a_snapshot(shelf: Shelf, content: str) -> Path:
    draft = shelf.draft()
    (draft / "sqs.json").write_text(content)
    (draft / "code").mkdir()
    (draft / "code" / "a.zip").write_text("zip of " + content)
    return shelf.commit(draft)


def test_the_newest_comes_first_and_old_ones_go(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    made = [a_snapshot(shelf, str(number)) for number in range(12)]
    assert shelf.newest_first() == made[: -KEPT - 1 : -1]
    assert [flaw for _, flaw in shelf.sound()] == [None] * KEPT


def test_a_draft_is_no_snapshot(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    draft = shelf.draft()
    (draft / "sqs.json").write_text("half")
    assert shelf.newest_first() == []
    assert shelf.draft().is_dir()
    assert not (draft / "sqs.json").exists()


def truncate(snapshot: Path) -> None:
    (snapshot / "sqs.json").write_text("")


def remove(snapshot: Path) -> None:
    (snapshot / "code" / "a.zip").unlink()


def lose_manifest(snapshot: Path) -> None:
    (snapshot / MANIFEST).unlink()


def spoil_manifest(snapshot: Path) -> None:
    (snapshot / MANIFEST).write_text("[]")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (truncate, "sqs.json is damaged"),
        (remove, "a.zip is missing"),
        (lose_manifest, f"{MANIFEST} is missing"),
        (spoil_manifest, f"{MANIFEST} cannot be read"),
    ],
)
def test_a_damaged_snapshot_is_known_and_the_one_before_still_holds(
    tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    shelf = Shelf(tmp_path)
    before = a_snapshot(shelf, "before")
    newest = a_snapshot(shelf, "newest")
    damage(newest)
    assert list(shelf.sound()) == [(newest, said), (before, None)]
