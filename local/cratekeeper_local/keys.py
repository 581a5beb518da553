"""The four API keys of a local stack, made once and kept beside its data."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cratekeeper_local.aws import Aws
from cratekeeper_local.invoking import invoked

# {name in the ready file: (user id, role)}
PEOPLE: Final[Mapping[str, tuple[str, str]]] = {
    "admin_key": ("admin", "admin"),
    "user_key": ("user", "user"),
    "second_user_key": ("user2", "user"),
    "viewer_key": ("viewer", "viewer"),
}


def kept(path: Path) -> dict[str, str] | None:
    """The keys that an earlier start kept in `path`; None if there are none, or not all."""
    try:
        found = json.loads(path.read_text("utf-8"))
        return {name: str(found[name]) for name in PEOPLE}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def made(aws: Aws, admin_function: str) -> dict[str, str]:
    """New keys for all of PEOPLE. Raises LocalStackError if the function fails."""
    keys = {}
    for name, (user_id, role) in PEOPLE.items():
        request = {"action": "create_key", "user_id": user_id, "role": role}
        keys[name] = str(invoked(aws, admin_function, request)["key"])
    return keys


def keep(path: Path, keys: Mapping[str, str]) -> None:
    """Write them for the next start."""
    write_private(path, json.dumps(keys, indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; nobody but its owner can ever read it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
