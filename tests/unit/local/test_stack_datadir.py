"""The data folder: only ours, only one stack in it, emptied only when asked."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cratekeeper_local import datadir, keys, lock
from cratekeeper_local.errors import USAGE, LocalStackError

HOLD = """
import sys, time
from pathlib import Path
from cratekeeper_local import datadir
with datadir.opened(Path(sys.argv[1]), fresh=False):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_new_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    with datadir.opened(tmp_path / "a" / "b", fresh=False) as (data, _):
        assert data.root.stat().st_mode & 0o777 == 0o700
        assert data.snapshots.is_dir()
        assert data.logs.is_dir()


def test_what_is_in_it_stays_unless_fresh_is_asked_for(tmp_path: Path) -> None:
    for fresh, expected in ((False, True), (False, True), (True, False)):
        with datadir.opened(tmp_path, fresh=fresh) as (data, _):
            kept = data.objects / "song"
            assert not fresh or not kept.exists()
            kept.write_text("la")
        assert kept.exists() or not expected


def left_by(data: datadir.DataDir) -> Path:
    """An object of a bucket, as the emulator keeps it."""
    left = data.objects / "000000000000" / "bucket" / "song"
    left.parent.mkdir(parents=True)
    left.write_text("la")
    return left


def test_objects_of_a_start_that_saved_nothing_are_forgotten(tmp_path: Path) -> None:
    with datadir.opened(tmp_path, fresh=False) as (data, _):
        assert not datadir.forget_unsaved(data)
        left_by(data)
        assert datadir.forget_unsaved(data)
        assert list(data.objects.iterdir()) == []


def test_objects_are_never_forgotten_where_somebody_has_a_key(tmp_path: Path) -> None:
    with datadir.opened(tmp_path, fresh=False) as (data, _):
        left = left_by(data)
        data.keys.write_text("{}")
        with pytest.raises(LocalStackError, match=r"no saved state in .*; start anew with --fresh") as refused:
            datadir.forget_unsaved(data)
        assert "\n" not in str(refused.value)
        assert left.is_file()


def test_temporary_files_of_a_dead_run_are_removed_and_its_logs_kept(tmp_path: Path) -> None:
    with datadir.opened(tmp_path, fresh=False) as (data, _):
        (data.temp / "ministack-lambda-x").mkdir()
        (data.logs / "emulator.log").write_text("last words")
        data.ready.write_text("{}")
    with datadir.opened(tmp_path, fresh=False) as (data, _):
        assert list(data.temp.iterdir()) == []
        assert not data.ready.exists()
        assert (tmp_path / "logs.previous" / "emulator.log").read_text() == "last words"


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, *, fresh: bool) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with (
        pytest.raises(LocalStackError, match="was not made by a local stack") as refused,
        datadir.opened(tmp_path, fresh=fresh),
    ):
        pass
    assert refused.value.exit_code == USAGE
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_of_another_layout_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / datadir.MARKER).write_text("99\n")
    with pytest.raises(LocalStackError, match="has layout '99'"), datadir.opened(tmp_path, fresh=True):
        pass


@pytest.mark.parametrize("place", ["file", "file/below", "x" * 300])
def test_a_place_that_cannot_be_a_folder_is_told_in_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalStackError) as refused, datadir.opened(tmp_path / place, fresh=False):
        pass
    assert refused.value.exit_code == USAGE
    assert "\n" not in str(refused.value)


def test_a_second_stack_is_refused_with_the_process_that_has_the_folder(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            with (
                pytest.raises(LocalStackError, match=f"process {holder.pid}\\) uses "),
                datadir.opened(tmp_path, fresh=True),
            ):
                pass
            assert lock.holder_of(tmp_path / "lock") == holder.pid
        finally:
            holder.kill()


def test_the_lock_of_the_dead_is_free(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
    started = time.monotonic()
    with datadir.opened(tmp_path, fresh=False):
        assert time.monotonic() - started < lock.PATIENCE_S
        assert lock.holder_of(tmp_path / "lock") == os.getpid()
    assert lock.holder_of(tmp_path / "lock") is None


def test_keys_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    made = {name: f"ck_{name}" for name in keys.PEOPLE}
    keys.keep(path, made)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.kept(path) == made
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.parametrize("content", ["", "[]", "null", '{"admin_key": "ck_1"}'])
def test_keys_that_are_not_all_there_count_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    assert keys.kept(path) is None
