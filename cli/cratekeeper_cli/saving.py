"""Saving bytes of the library as files: streamed, resumed where they stopped, and checked."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import httpx

from cratekeeper_cli.endpoint import is_loopback
from cratekeeper_cli.errors import CliError, Unreachable
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.host import Host

if TYPE_CHECKING:
    from cratekeeper_cli.client import Api

PART: Final = ".part"
"""What a file that is not whole yet is called; it has the id of its content, so that the next run finds it."""

LONGEST_NAME: Final = 120
TRIES: Final = 5
"""How often in a row a file is asked for without a byte of it coming."""

LARGEST_PICTURE: Final = 2**28
"""The most that is saved of what the catalog tells no size of."""

_CHUNK: Final = 2**16
_TIMEOUT: Final = httpx.Timeout(30, connect=5)
_PAUSE_S: Final = 1.0
_PARTIAL: Final = 206
_OK: Final = 200
_EXTENSIONS: Final = MappingProxyType({
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
})
_FORBIDDEN: Final = re.compile(r'[/\\:*?"<>|]')
_URL: Final = re.compile(r"https?://[\x21-\x7e]{1,8000}")
_EXTENSION: Final = re.compile(r"\.([a-z0-9]{1,5})$")


class Kept(StrEnum):
    """What became of a file."""

    SAVED = "saved"
    THERE = "there already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One file of the library.

    Args:
        id: of the track or picture.
        route: where the API answers with a link.
        name: of the file without its extension, from outside: anything.
        size_bytes, sha256, key: of the stored object, as far as the catalog says.
    """

    id: str
    route: str
    name: str
    size_bytes: int | None = None
    sha256: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that is whole."""

    path: Path
    size_bytes: int
    kept: Kept


class Broken(CliError):
    """What came is not what the catalog says."""

    def __init__(self, line: str) -> None:
        """Ends with exit code 1."""
        super().__init__(line, exit_code=Exit.FAILED, code="broken_file")


class NotWritable(CliError):
    """The file system refused."""

    def __init__(self, error: OSError) -> None:
        """Ends with exit code 2."""
        where = f"{error.filename}: " if error.filename else ""
        super().__init__(f"{where}{error.strerror or error}", exit_code=Exit.USAGE, code="not_writable")


def file_name(text: str, *, fallback: str) -> str:
    """A name from outside as one that every file system takes and that leads into no other folder."""
    composed = unicodedata.normalize("NFC", text[: LONGEST_NAME * 4])
    shown = "".join(each for each in _FORBIDDEN.sub("_", composed) if each.isprintable())
    return " ".join(shown.split())[:LONGEST_NAME].strip(" .") or fallback


@contextmanager
def writing() -> Iterator[None]:
    """Errors of the file system in one line."""
    try:
        yield
    except OSError as error:
        raise NotWritable(error) from error


class Saver:
    """Saves files into one folder. No API key goes where the links lead.

    Args:
        told: is called with how many bytes of a file are there, and how many there will be (None = not known).
    """

    def __init__(self, api: "Api", host: Host, folder: Path, *, told: Callable[[int, int | None], None]) -> None:
        """Make no folder yet."""
        self._api = api
        self._host = host
        self._folder = folder
        self._told = told

    def save(self, wanted: Wanted) -> Saved:
        """The file, whole and checked. Raises ApiProblem, Unreachable, Broken, NotWritable."""
        with writing():
            self._folder.mkdir(parents=True, exist_ok=True)
            there = self._there(wanted)
            if there:
                return there
            part = self._folder / f"{wanted.id}{PART}"
            if wanted.sha256 is None:
                part.unlink(missing_ok=True)  # nothing would tell that the rest belongs to it
            extension = self._fetch(wanted, part)
            path = self._folder / f"{file_name(wanted.name, fallback=wanted.id)}.{extension}"
            size_bytes = _size(part)
            part.replace(path)
        return Saved(path, size_bytes, Kept.SAVED)

    def _there(self, wanted: Wanted) -> Saved | None:
        """The file of an earlier run, if it is the stored one to the byte."""
        found = _EXTENSION.search(wanted.key or "")
        if found is None or wanted.sha256 is None:
            return None
        path = self._folder / f"{file_name(wanted.name, fallback=wanted.id)}.{found[1]}"
        if not path.is_file() or path.stat().st_size != wanted.size_bytes or _sha256(path) != wanted.sha256:
            return None
        return Saved(path, path.stat().st_size, Kept.THERE)

    def _fetch(self, wanted: Wanted, part: Path) -> str:
        """Fill the part file, over broken lines and links that have ended; its extension."""
        idle, stream = 0, _Stream(self._host, wanted, self._told)
        while True:
            before = _size(part)
            try:
                extension = stream.into(part, self._link(wanted))
                _check(part, wanted)
            except (httpx.HTTPError, Unreachable) as error:
                idle = 0 if _size(part) > before else idle + 1
                if idle == TRIES:
                    raise Unreachable(f"the line broke: {error}", hint="go on later with the same command") from error
                self._host.sleep(_PAUSE_S)
            except Broken:
                part.unlink(missing_ok=True)
                if before == 0:
                    raise
            else:
                return extension

    def _link(self, wanted: Wanted) -> str:
        # As it was sent: it is long and signed, and nothing of it is shown.
        url = self._api.get(wanted.route, {"redirect": False}).get("url")
        if not isinstance(url, str) or not _URL.fullmatch(url):
            raise Broken("the server's link is no http(s) URL")
        return url


class _Stream:
    """The bytes of one file, from as many answers as it takes; an ETag tells whether they are of one object."""

    def __init__(self, host: Host, wanted: Wanted, told: Callable[[int, int | None], None]) -> None:
        self._host = host
        self._wanted = wanted
        self._told = told
        self._etag: str | None = None

    def into(self, part: Path, url: str) -> str:
        """Write what comes after what is there; the extension for its type. Raises httpx.HTTPError, Broken."""
        there = _size(part)
        if self._wanted.size_bytes is not None and there >= self._wanted.size_bytes:
            return _extension(self._wanted, "")
        headers = {"Accept-Encoding": "identity"} | self._going_on(there)
        client = httpx.Client(transport=self._host.transport, timeout=_TIMEOUT, trust_env=not is_loopback(url))
        with client as http, http.stream("GET", url, headers=headers) as response:
            self._write(response, part, at=self._begin(response, there))
            return _extension(self._wanted, response.headers.get("Content-Type", ""))

    def _going_on(self, there: int) -> dict[str, str]:
        if there == 0:
            return {}
        return {"Range": f"bytes={there}-", **({"If-Range": self._etag} if self._etag else {})}

    def _begin(self, response: httpx.Response, there: int) -> int:
        """The place of the first byte that comes."""
        if response.status_code not in {_OK, _PARTIAL}:
            raise httpx.RequestError(f"the link answers {response.status_code}")
        self._etag = response.headers.get("ETag", self._etag)
        if response.status_code == _OK:
            return 0
        if not response.headers.get("Content-Range", "").startswith(f"bytes {there}-"):
            raise Broken(f"{self._wanted.name}: the answer goes on at another place")
        return there

    def _write(self, response: httpx.Response, part: Path, *, at: int) -> None:
        most = self._wanted.size_bytes if self._wanted.size_bytes is not None else LARGEST_PICTURE
        length = response.headers.get("Content-Length", "")
        total = self._wanted.size_bytes or (at + int(length) if length.isdigit() else None)
        with part.open("ab" if at else "wb") as file:
            self._told(at, total)
            for chunk in response.iter_bytes(_CHUNK):
                at += len(chunk)
                if at > most:
                    raise Broken(f"{self._wanted.name}: more bytes come than the catalog says")
                file.write(chunk)
                self._told(at, total)
            file.flush()
            os.fsync(file.fileno())


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check(part: Path, wanted: Wanted) -> None:
    size_bytes = part.stat().st_size
    if wanted.size_bytes is not None and size_bytes < wanted.size_bytes:
        raise httpx.RequestError(f"{size_bytes} of {wanted.size_bytes} bytes came")
    if wanted.size_bytes not in {None, size_bytes} or (wanted.sha256 and _sha256(part) != wanted.sha256):
        raise Broken(f"{wanted.name}: what came is not what the catalog says")


def _extension(wanted: Wanted, content_type: str) -> str:
    found = _EXTENSION.search(wanted.key or "")
    return found[1] if found else _EXTENSIONS.get(content_type.partition(";")[0].strip().lower(), "bin")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
