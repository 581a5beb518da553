"""What the command line's `local` group calls. Each function raises LocalStackError, one line, with an exit code."""

import json
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, TypedDict, Unpack

from cratekeeper_local import demonstration, ready
from cratekeeper_local.aws import Aws
from cratekeeper_local.console import Progress, show_json
from cratekeeper_local.datadir import DataDir
from cratekeeper_local.errors import USAGE, LocalStackError
from cratekeeper_local.invoking import in_the_name_of
from cratekeeper_local.invoking import invoke as invoke_function
from cratekeeper_local.project import Project
from cratekeeper_local.stack import Running, Wanted, running

DEFAULT_PORT: Final = 8080


class Options(TypedDict, total=False):
    """The options of `local up` and `local demo`; `settings` are template parameters.

    Defaults: port 8080, the demo provider, `.cratekeeper` in the project, what that folder holds.
    """

    port: int
    provider_url: str | None
    data_dir: Path | None
    fresh: bool
    settings: Mapping[str, str]
    ready_file: Path | None


class Stopped(BaseException):
    """SIGTERM, Ctrl-C or a closed terminal: not an error, and not to be caught by what handles errors."""


def up(**options: Unpack[Options]) -> None:
    """Start a stack and stay until SIGTERM or Ctrl-C; then stop it with nothing lost."""
    with _until_stopped(), _started(options) as (stack, progress):
        progress.good(f"ready in {progress.seconds:.1f} s: {stack.ready.api_url}")
        progress.note(f"data and keys: {stack.data.root}   AWS: {stack.ready.aws_endpoint_url}   stop: Ctrl-C")
        stack.watch()


def demo(**options: Unpack[Options]) -> None:
    """As `up`, and fetch the demo album first, with progress bars; then say what to try next."""
    with _until_stopped(), _started(options) as (stack, progress):
        progress.good(f"ready in {progress.seconds:.1f} s: {stack.ready.api_url}")
        demonstration.show(stack, progress, with_album=not options.get("provider_url"))
        stack.watch()


def invoke(function: str, *, event_path: Path, data_dir: Path | None = None) -> int:
    """Run a function of the running stack with the event in a file; 0, or 1 if the function failed.

    `function` is a logical id or its first word: ProcessorFunction, processor. The answer goes to
    stdout, the end of the function's log to stderr. An event with the example key of events/ comes
    from the administrator of the stack.
    """
    event = _event(event_path)
    _, found = ready.found_in(_data(data_dir))
    event = in_the_name_of(found["admin_key"], event)
    outcome = invoke_function(Aws(found["aws_endpoint_url"]), _physical(function, found["resources"]), event)
    progress = Progress()
    if outcome.log:
        progress.note(outcome.log.rstrip())
    show_json(outcome.payload)
    if outcome.failed:
        progress.warn(f"{function} failed")
    return int(outcome.failed)


def status(*, data_dir: Path | None = None) -> int:
    """Print what the running stack tells of itself, but for its keys; 0. Raises if none runs."""
    process, found = ready.found_in(_data(data_dir))
    show_json({"process": process, **{name: value for name, value in found.items() if not name.endswith("_key")}})
    return 0


@contextmanager
def _started(options: Options) -> Iterator[tuple[Running, Progress]]:
    project = Project.here()
    wanted = Wanted(
        port=options.get("port", DEFAULT_PORT),
        data_dir=options.get("data_dir") or project.default_data,
        fresh=options.get("fresh", False),
        provider_url=options.get("provider_url"),
        settings=options.get("settings", {}),
        ready_file=options.get("ready_file"),
    )
    progress = Progress()
    try:
        with running(wanted, project, progress) as stack:
            yield stack, progress
    except Stopped:
        progress.step("stopped")
        raise


@contextmanager
def _until_stopped() -> Iterator[None]:
    """Turn the first such signal into an orderly end of the block, and ignore those after it."""
    watched = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in watched:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    before = [signal.signal(number, stop) for number in watched]
    try:
        yield
    except Stopped:
        pass
    finally:
        for number, handler in zip(watched, before, strict=True):
            signal.signal(number, handler)


def _data(folder: Path | None) -> DataDir:
    return DataDir((folder or Project.here().default_data).absolute())


def _event(path: Path) -> object:
    try:
        return json.loads(sys.stdin.read() if str(path) == "-" else path.read_text("utf-8"))
    except OSError as error:
        raise LocalStackError(f"cannot read the event {path}: {error.strerror}", USAGE) from error
    except ValueError as error:
        raise LocalStackError(f"the event {path} is not JSON: {error}", USAGE) from error


def _physical(function: str, resources: Mapping[str, str]) -> str:
    functions = {name: physical for name, physical in resources.items() if name.endswith("Function")}
    for name in (function, f"{function.capitalize()}Function"):
        if name in functions:
            return functions[name]
    raise LocalStackError(f"there is no function {function}; known: {', '.join(sorted(functions))}", USAGE)
