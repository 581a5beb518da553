"""Makes media when it is first asked for and keeps it in memory and, if told, on disk."""

import asyncio
import hashlib
import os
import struct
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from cratekeeper_local.provider.content import Looped, Media, etag_of
from cratekeeper_local.provider.library import WAV_BYTES_PER_S, WAV_HEAD_BYTES, Picture, Sound

RECIPE: Final = 1
"""Raise it when tunes, encodings or drawings change: files kept by older ones are not used."""


class Press:
    """Turns sounds and pictures into files, each once however many ask at a time.

    All stay in memory until the end; `folder` keeps them for the next run as well.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._files: dict[Sound | Picture, asyncio.Task[Media]] = {}

    async def media(self, wanted: Sound | Picture, *, edition: int = 0) -> Media:
        """The file of a track or picture; another edition is another tune or drawing."""
        if edition:
            wanted = replace(wanted, seed=f"{wanted.seed} (edition {edition})")
        task = self._files.get(wanted)
        # A task that ended without a file (error, shutdown) is no answer for later calls.
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = asyncio.create_task(asyncio.to_thread(self._media, wanted))
            self._files[wanted] = task
        return await asyncio.shield(task)

    def _media(self, wanted: Sound | Picture) -> Media:
        if isinstance(wanted, Sound) and wanted.wav_bytes is not None:
            return _long_wav(self._media(replace(wanted, wav_bytes=None)), wanted.wav_bytes)
        return Media.of(self._kept(wanted), wanted.content_type)

    def _kept(self, wanted: Sound | Picture) -> bytes:
        if self._folder is None:
            return _made(wanted)
        name = f"{RECIPE} av {version('av')} pillow {version('pillow')} {wanted!r}"
        path = self._folder / hashlib.sha256(name.encode()).hexdigest()
        try:
            return path.read_bytes()
        except FileNotFoundError:
            body = _made(wanted)
        # Renamed into place: a killed run, or two at once, leave no half file.
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_bytes(body)
        draft.replace(path)
        return body


def _made(wanted: Sound | Picture) -> bytes:
    from cratekeeper_local.provider.makers import make  # noqa: PLC0415 - encoders load longer than all the rest

    return make(wanted)


def _long_wav(tune: Media, size_bytes: int) -> Media:
    tune_bytes = tune.content.read(WAV_HEAD_BYTES, tune.content.size_bytes)
    data_bytes = size_bytes - WAV_HEAD_BYTES
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", size_bytes - 8, b"WAVE", b"fmt ", 16, 1, 2),
        *(WAV_BYTES_PER_S // 4, WAV_BYTES_PER_S, 4, 16, b"data", data_bytes),
    )
    etag = etag_of(head, tune_bytes)
    return Media(Looped(head, tune_bytes, size_bytes), tune.content_type, etag)
