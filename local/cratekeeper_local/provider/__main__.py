"""The command: ``python -m cratekeeper_local.provider --port 9000``."""

import asyncio
import json
import os
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cratekeeper_local.provider.app import App
from cratekeeper_local.provider.library import Library
from cratekeeper_local.provider.press import Press
from cratekeeper_local.provider.server import Manners, Server
from cratekeeper_local.provider.shelf import ShelfUnreadable, named

CANNOT_START: Final = 2
MAX_PORT: Final = 65_535
MAX_LATENCY_S: Final = 3600


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C (0); 2 after one line that says why it cannot start."""
    options = _parser().parse_args(arguments)
    try:
        library = Library.of(named(options.library))
        _prepare(options)
        asyncio.run(_serve(options, library))
    except ShelfUnreadable as error:
        return _cannot_start(str(error))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        return _cannot_start(f"{error.filename or _address(options)}: {reason}")
    return 0


async def _serve(options: Namespace, library: Library) -> None:
    stop = asyncio.Event()
    _stop_on_signals(stop, options)
    manners = Manners(options.busy, options.rate, options.latency)
    server = Server(App(library, Press(options.cache_dir)), manners)
    port = await server.listen(options.host, options.port)
    _announce(options, port)
    await stop.wait()
    await server.close()


def _stop_on_signals(stop: asyncio.Event, options: Namespace) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.until_stdin_closes:
        stdin = sys.stdin.fileno()
        loop.add_reader(stdin, _stop_at_end, stdin, stop)


def _stop_at_end(stdin: int, stop: asyncio.Event) -> None:
    if not os.read(stdin, 4096):
        stop.set()


def _prepare(options: Namespace) -> None:
    # A file left by an earlier run must not be taken for the sign of this one.
    if options.ready_file is not None:
        options.ready_file.unlink(missing_ok=True)
    if options.cache_dir is not None:
        options.cache_dir.mkdir(parents=True, exist_ok=True)


def _announce(options: Namespace, port: int) -> None:
    url = f"http://{options.host}:{port}"
    if options.ready_file is not None:
        draft = options.ready_file.with_name(f"{options.ready_file.name}.{os.getpid()}")
        draft.write_text(json.dumps({"url": url}) + "\n", "utf-8")
        draft.replace(options.ready_file)
    sys.stdout.write(f"demo provider listening on {url} (library: {options.library})\n")
    sys.stdout.flush()


def _cannot_start(reason: str) -> int:
    sys.stderr.write(f"demo provider cannot start: {reason}\n")
    return CANNOT_START


def _address(options: Namespace) -> str:
    return f"{options.host}:{options.port}"


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m cratekeeper_local.provider",
        description="A small downloader service with media that it makes itself.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    add("--port", type=_port, required=True, help="port to listen on; 0 takes a free one")
    add("--library", default="small", help="small, tiny or a JSON file of albums (small)")
    add("--cache-dir", type=Path, help="keep encoded files here for the next run")
    add("--busy", action="store_true", help="one audio download at a time, 429 to the others")
    add("--rate", type=_positive, metavar="BYTES_PER_S", help="slow each body to this rate")
    add("--latency", type=_seconds, default=0.0, metavar="S", help="wait before each answer")
    add("--ready-file", type=Path, help='write {"url": …} here once it listens')
    add("--until-stdin-closes", action="store_true", help="also stop when standard input ends")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise ArgumentTypeError(f"a port is 0 to {MAX_PORT}")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("a whole number of bytes above 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_LATENCY_S:
        raise ArgumentTypeError(f"seconds from 0 to {MAX_LATENCY_S}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
