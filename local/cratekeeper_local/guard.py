"""Dying with the parent: no process of the stack outlives the one that started it.

The kernel's own signal for this (PR_SET_PDEATHSIG) is bound to the parent's *thread*, and the
emulator starts function processes from threads that end. So each child waits for its parent on
a descriptor of that process and leaves when it is gone, even after kill -9.

``python -m cratekeeper_local.guard <module> [argument …]`` runs a module under this watch.
"""

import os
import runpy
import select
import signal
import sys
import threading
import time
from typing import Final

PARENT_VARIABLE: Final = "CRATEKEEPER_PARENT"
_POLL_S: Final = 1.0


def watch_parent() -> None:
    """Kill this process as soon as its parent is gone; the parent is named by PARENT_VARIABLE, if set."""
    parent = int(os.environ.get(PARENT_VARIABLE) or os.getppid())
    threading.Thread(target=_leave_with, args=(parent,), daemon=True, name="parent-watch").start()


def _leave_with(parent: int) -> None:
    _wait_for_end_of(parent)
    # Not sys.exit: this must also end a process whose other threads are stuck.
    os.kill(os.getpid(), signal.SIGKILL)


def _wait_for_end_of(parent: int) -> None:
    try:
        descriptor = os.pidfd_open(parent)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # not Linux, or an old one
        while os.getppid() == parent:
            time.sleep(_POLL_S)
        return
    if os.getppid() == parent:  # else it ended, and its number may be another's by now
        end = select.poll()
        end.register(descriptor, select.POLLIN)
        end.poll()


def main() -> None:
    """Run the module that the command line names, under watch."""
    watch_parent()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
