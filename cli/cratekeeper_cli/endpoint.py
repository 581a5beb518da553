"""Which server, with which key: environment, then login, then the local stack's ready file."""

import ipaddress
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cratekeeper_cli import login_store
from cratekeeper_cli.errors import BadInput, NotLoggedIn
from cratekeeper_cli.host import Host


class Role(StrEnum):
    """Whose key of a local stack is used."""

    USER = "user"
    SECOND_USER = "second_user"
    VIEWER = "viewer"
    ADMIN = "admin"


URL_VARIABLE: Final = "CRATEKEEPER_URL"
KEY_VARIABLE: Final = "CRATEKEEPER_KEY"
ROLE_VARIABLE: Final = "CRATEKEEPER_ROLE"
READY_FILE: Final = Path(".cratekeeper") / "ready.json"
_HOW: Final = "log in with: cratekeeper login, or start a stack of your own: cratekeeper local up"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server and the key it is spoken to with; `found_in` names where both came from."""

    url: str
    key: str
    found_in: str

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(self.url)


def checked_url(text: str) -> str:
    """`text` as the base URL of an API, without a slash at the end. Raises BadInput."""
    url = text.strip().rstrip("/")
    wrong = BadInput(f"not a URL: {text!r}; expected something like https://api.example.org")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise wrong
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        raise wrong from None
    if not usable:
        raise wrong
    if parts.username or parts.query or parts.fragment:
        raise BadInput("the URL must hold no user, no '?' and no '#'")
    return url


def checked_key(text: str) -> str:
    """`text` as an API key: printable ASCII without blanks. Raises BadInput."""
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise BadInput("an API key is one word of printable ASCII, such as ck_…")
    return key


def is_loopback(url: str) -> bool:
    """Whether `url` names this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def find_endpoint(host: Host, role: Role = Role.USER) -> Endpoint:
    """The server to talk to. Raises NotLoggedIn, or BadInput for a variable that is no URL.

    A key is only ever sent to the URL it was stored with, or to the one named beside it in
    the environment. `role` chooses among the keys of a local stack; its variable wins.
    """
    url, key = host.env(URL_VARIABLE), host.env(KEY_VARIABLE)
    if url and key:
        return Endpoint(checked_url(url), checked_key(key), "the environment")
    wanted = checked_url(url) if url else None
    for known in _known(host, _wanted_role(host) or role):
        if wanted in {None, known.url}:
            return Endpoint(known.url, checked_key(key), KEY_VARIABLE) if key else known
    if wanted:
        raise NotLoggedIn(f"there is no key for {wanted}", hint=f"set {KEY_VARIABLE}, or {_HOW}")
    raise NotLoggedIn("not logged in, and no local stack found here", hint=_HOW)


def _wanted_role(host: Host) -> Role | None:
    wanted = host.env(ROLE_VARIABLE)
    if wanted not in {None, *Role}:
        raise BadInput(f"{ROLE_VARIABLE} is one of {', '.join(Role)}, not {wanted!r}")
    return Role(wanted) if wanted else None


def _known(host: Host, role: Role) -> list[Endpoint]:
    saved = login_store.load(host)
    login = [Endpoint(saved.url, saved.key, str(login_store.path(host)))] if saved else []
    stack = find_local_stack(host.cwd, role)
    return [*login, *([stack] if stack else [])]


def find_local_stack(folder: Path, role: Role = Role.USER) -> Endpoint | None:
    """The stack whose ready file is in `folder` or one above it, with the key of `role`.

    Only a stack on this machine counts: a file in a folder of somebody else's must not lead
    a key elsewhere.
    """
    for place in (folder, *folder.parents):
        try:
            text = (place / READY_FILE).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue  # none here, or none that we may read
        return _read_ready(text, role, str(place / READY_FILE))
    return None


def _read_ready(text: str, role: Role, found_in: str) -> Endpoint | None:
    try:
        found = json.loads(text)
        url, key = checked_url(found["api_url"]), checked_key(found[f"{role}_key"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, BadInput):
        return None  # not written by a stack: as if it were not there
    return Endpoint(url, key, found_in) if is_loopback(url) else None
