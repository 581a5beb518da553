"""The first minute with Cratekeeper: an album arrives, then where it is and what to try next."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from cratekeeper_local.console import Progress
from cratekeeper_local.emulator.settings import ACCOUNT
from cratekeeper_local.project import Project
from cratekeeper_local.provider.shelf import DEMO_ALBUM_ID
from cratekeeper_local.stack import Running

_CONFLICT: Final = 6  # the command line's code for "already there"


def show(stack: Running, progress: Progress, *, with_album: bool) -> None:
    """Fetch the demo album if the demo provider has it to give, then explain."""
    if with_album:
        progress.note()
        code = _command(stack, "request", "album", DEMO_ALBUM_ID, "--watch")
        if code == _CONFLICT:
            progress.note("The demo album is in the library since an earlier run; --fresh starts over.")
        elif code:
            progress.warn(f"the album did not arrive (exit code {code}); logs: {stack.data.logs}")
    for line in _lines(stack):
        progress.note(line)


def _command(stack: Running, *arguments: str) -> int:
    """Run the command line against the stack, on this terminal; its exit code."""
    ready = stack.ready
    environment = {**os.environ, "CRATEKEEPER_URL": ready.api_url, "CRATEKEEPER_KEY": ready.keys["user_key"]}
    program = Path(sys.executable).with_name("cratekeeper")
    return subprocess.run([program, *arguments], env=environment, check=False).returncode


def _login(stack: Running) -> list[str]:
    """The command line finds a stack by its data folder only below the folder where it is called."""
    if stack.data.root == Project.here().default_data:
        return []
    ready = stack.ready
    return [f"  export CRATEKEEPER_URL={ready.api_url} CRATEKEEPER_KEY={ready.keys['user_key']}"]


def _lines(stack: Running) -> list[str]:
    ready, data = stack.ready, stack.data
    bucket = data.objects / ACCOUNT / ready.resources["MediaBucket"]
    return [
        "",
        f"API    {ready.api_url}   keys: {data.ready}",
        f"Files  {bucket}",
        f"Logs   {data.logs}",
        "",
        "Try, in a second terminal:",
        *_login(stack),
        "  .venv/bin/cratekeeper downloads",
        "  .venv/bin/cratekeeper limits",
        f"  .venv/bin/cratekeeper request album {DEMO_ALBUM_ID} --force --watch",
        "  .venv/bin/cratekeeper local status",
        f"  curl {ready.api_url}/health",
        "",
        "Ctrl-C stops everything; the next start goes on from here.",
    ]
