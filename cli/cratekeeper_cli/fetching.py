"""`library fetch`: which files ids stand for, one after the other, with a bar each."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from cratekeeper_cli import shelf, text
from cratekeeper_cli.answers import Fields, Json, items_of
from cratekeeper_cli.errors import ApiProblem, CliError
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.saving import Kept, Saver, Wanted, file_name
from cratekeeper_cli.tree import Run

if TYPE_CHECKING:
    from cratekeeper_cli.client import Api

_IMAGE: Final = re.compile(r"[0-9a-f]{40}")
_LONGEST_LABEL: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of one file; `path` is None where there is none."""

    id: str
    name: str
    status: str
    path: Path | None = None
    size_bytes: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the file is there."""
        return self.path is not None

    def document(self) -> Json:
        """As `--json` says it."""
        path = str(self.path) if self.path else None
        return {"id": self.id, "name": self.name, "status": self.status, "path": path, "size": self.size_bytes}


@dataclass(frozen=True, slots=True)
class _Place:
    """A file and the folder it goes to; `absent` says why there can be none."""

    wanted: Wanted
    folder: Path
    absent: str | None = None


class Fetch:
    """Saves what ids stand for below one folder."""

    def __init__(self, run: Run, api: "Api", folder: Path) -> None:
        """Ask for nothing yet."""
        self._run = run
        self._api = api
        self._folder = folder

    def run(self, ids: Sequence[str]) -> list[Told]:
        """Save all of it. An id that stands for nothing raises before the first file of it is asked for."""
        places = [place for each in ids for place in self._places(each)]
        return [self._save(place) for place in places]

    def _places(self, content_id: str) -> list[_Place]:
        """An album's tracks and pictures, a track, or a picture."""
        if _IMAGE.fullmatch(content_id):
            return [_Place(_image(content_id, content_id), self._folder)]
        try:
            album = self._api.get(f"/v1/catalog/albums/{content_id}")
        except ApiProblem as problem:
            if problem.exit_code != Exit.NOT_FOUND:
                raise
            track = Fields(self._api.get(f"/v1/catalog/tracks/{content_id}"))
            return [_placed(track, _audio(track, prefix=""), self._folder)]
        return list(self._of_album(album))

    def _of_album(self, album: Json) -> Iterator[_Place]:
        fields = Fields(album)
        artist = fields.text("artist_name")
        name = fields.text("name") or fields.must("id")
        folder = self._folder / file_name(f"{artist} - {name}" if artist else name, fallback=fields.must("id"))
        tracks = [Fields(item) for item in items_of(album, "tracks")]
        discs = {track.integer("disc") for track in tracks}
        for place, track in enumerate(tracks, start=1):
            number = f"{track.integer('number') or place:02d}"
            disc = f"{track.integer('disc') or 1}-" if len(discs) > 1 else ""
            yield _placed(track, _audio(track, prefix=f"{disc}{number} "), folder)
        images = [Fields(item) for item in items_of(album, "images")]
        for place, image in enumerate(images, start=1):
            cover = "cover" if place == 1 else f"cover {place}"
            yield _placed(image, _image(image.must("id"), cover), folder)

    def _save(self, place: _Place) -> Told:
        """One file. What is not stored is told and passed over; every other trouble ends the command."""
        wanted = place.wanted
        if place.absent:
            self._run.out.note(f"{place.absent}: {text.clean(wanted.name)}")
            return Told(id=wanted.id, name=wanted.name, status=place.absent)
        with _Bar(self._run, wanted) as bar:
            try:
                saved = Saver(self._api, self._run.host, place.folder, told=bar.told).save(wanted)
            except ApiProblem as problem:
                if problem.exit_code != Exit.NOT_FOUND or place.folder == self._folder:
                    raise
                return Told(id=wanted.id, name=wanted.name, status="not stored")
        is_new = saved.kept is Kept.SAVED
        if is_new and not self._run.out.stderr.is_terminal:
            self._run.out.note(f"saved {text.clean(str(saved.path), limit=1000)} ({text.size(saved.size_bytes)})")
        return Told(
            id=wanted.id, name=wanted.name, status=saved.kept.value, path=saved.path, size_bytes=saved.size_bytes
        )


class _Bar:
    """The progress of one file, on a terminal; nothing anywhere else."""

    def __init__(self, run: Run, wanted: Wanted) -> None:
        self._stack = ExitStack()
        self._label = text.clean(wanted.name, limit=_LONGEST_LABEL)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=run.out.stderr,
            disable=not run.out.stderr.is_terminal,
        )
        self._task = self._progress.add_task(self._label, total=wanted.size_bytes)

    def __enter__(self) -> Self:
        self._stack.enter_context(self._progress)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def told(self, size_bytes: int, total: int | None) -> None:
        """So many bytes are there."""
        self._progress.update(self._task, completed=size_bytes, total=total)


def _placed(content: Fields, wanted: Wanted, folder: Path) -> _Place:
    said = content.text("availability") or "missing"
    return _Place(wanted, folder, None if said == shelf.AVAILABLE else shelf.WORDS.get(said, said))


def _audio(track: Fields, *, prefix: str) -> Wanted:
    media = track.inner("media") or Fields({})
    track_id = _plain(track.must("id"))
    return Wanted(
        id=track_id,
        route=f"/v1/media/tracks/{track_id}",
        name=f"{prefix}{track.text('name') or track_id}",
        size_bytes=media.integer("size"),
        sha256=media.text("sha256"),
        key=media.text("key"),
    )


def _image(image_id: str, name: str) -> Wanted:
    return Wanted(id=_plain(image_id), route=f"/v1/media/images/{image_id}", name=name)


def _plain(content_id: str) -> str:
    """An id that the server sent: it becomes part of a path here, and of a file's name."""
    if not re.fullmatch(r"[0-9A-Za-z]{1,64}", content_id):
        raise CliError("the server's answer has an id that is none", exit_code=Exit.UNREACHABLE, code="unreachable")
    return content_id
