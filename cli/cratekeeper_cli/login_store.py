"""The saved login: one file in the user's configuration folder, readable by nobody else."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from cratekeeper_cli.errors import BadInput
from cratekeeper_cli.host import Host


@dataclass(frozen=True, slots=True)
class Login:
    """A server and the key that it accepted."""

    url: str
    key: str


def path(host: Host) -> Path:
    """`$XDG_CONFIG_HOME/cratekeeper/login.json`, by default below `~/.config`."""
    configured = host.env("XDG_CONFIG_HOME")
    home = Path(host.env("HOME") or Path.home())
    folder = Path(configured) if configured else home / ".config"
    return folder / "cratekeeper" / "login.json"


def load(host: Host) -> Login | None:
    """The saved login, or None. Raises BadInput for a file that is no login."""
    file = path(host)
    try:
        found = json.loads(file.read_text("utf-8"))
        return Login(url=str(found["url"]), key=str(found["key"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{file} is not a saved login ({type(error).__name__}); delete it with: cratekeeper logout"
        ) from error


def save(host: Host, login: Login) -> Path:
    """Replace the saved login in one step, mode 0600 from the first byte on."""
    file = path(host)
    draft = file.with_name(f".login-{os.getpid()}.json")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as stream:
            json.dump(asdict(login), stream)
        draft.replace(file)
    except OSError as error:
        raise BadInput(f"cannot write {file}: {error.strerror}") from error
    return file


def forget(host: Host) -> bool:
    """Delete the saved login; whether there was one."""
    try:
        path(host).unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise BadInput(f"cannot delete {path(host)}: {error.strerror}") from error
    return True
