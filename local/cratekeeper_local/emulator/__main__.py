"""``python -m cratekeeper_local.emulator``: serve until SIGTERM, then drain, save, leave."""

import asyncio
import os
import resource
import signal
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config

from cratekeeper_local import guard
from cratekeeper_local.emulator import changes, function_logs, saving
from cratekeeper_local.emulator.gate import Gate
from cratekeeper_local.emulator.intake import Intake
from cratekeeper_local.emulator.internals import Internals
from cratekeeper_local.emulator.saver import Saver
from cratekeeper_local.emulator.settings import Settings
from cratekeeper_local.snapshots import Shelf

if TYPE_CHECKING:
    from hypercorn.typing import Framework

DRAIN_LIMIT_S: Final = 5.0
_GUARD: Final = "from cratekeeper_local import guard; guard.watch_parent()\n"


async def serve_until_told(settings: Settings) -> None:
    """Serve on the socket that was handed over."""
    emulator = Internals()
    os.environ[guard.PARENT_VARIABLE] = str(os.getpid())  # function processes die with this one
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        del os.environ[name]  # this process may be measured; theirs run a copy of the code
    emulator.prefix_workers(_GUARD)
    emulator.replace_log(function_logs.tee(emulator, settings.logs))
    intake = Intake(emulator)
    saver = Saver(
        Shelf(settings.shelf), write=partial(saving.write, emulator), marks=partial(changes.inner_marks, emulator)
    )
    gate = Gate(emulator, state=Path(os.environ["STATE_DIR"]), saver=saver, intake=intake)
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    saving_loop = asyncio.create_task(saver.run())

    async def stopped() -> None:
        await told.wait()
        await intake.drain(limit_s=DRAIN_LIMIT_S)
        emulator.stop_workers()
        saving_loop.cancel()
        await saver.save()

    # Hypercorn spells the same ASGI types as unions of TypedDicts.
    await serve(cast("Framework", gate), _config(settings.listener), shutdown_trigger=stopped)


def _config(listener: int) -> Config:
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.backlog = 1024
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = sys.maxsize
    config.graceful_timeout = 0.5
    config.loglevel = "WARNING"
    return config


def main() -> None:
    """Serve, with as many open files as this user may have."""
    warnings.filterwarnings("ignore", message=".*use of fork", category=DeprecationWarning)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(serve_until_told(Settings.read()))


if __name__ == "__main__":
    main()
