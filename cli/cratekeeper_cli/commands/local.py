"""`local …`: a stack of one's own on this machine, which the package cratekeeper_local runs."""
# ruff: noqa: PLC0415 - boto3 and the emulator are loaded when a stack is wanted, never for --help.

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from cratekeeper_cli.errors import BadInput, StackFailed
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.tree import Run, Tree

_PORT = 8080

_DataDir = Annotated[
    Path | None, typer.Option(help="Folder that keeps everything; by default .cratekeeper in the project.")
]


@dataclass(frozen=True, slots=True)
class UpOptions:
    """How to start a stack."""

    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the API, on 127.0.0.1; 0 is any free one.")] = (
        _PORT
    )
    provider_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Downloader service; by default the bundled demo provider.")
    ] = None
    data_dir: _DataDir = None
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what the folder holds and start anew.")] = False
    settings: Annotated[
        list[str],
        typer.Option("--set", metavar="PARAMETER=VALUE", help="A parameter of template.yaml; repeatable."),
    ] = field(default_factory=list)
    ready_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write addresses and keys here once it is ready.")
    ] = None


@dataclass(frozen=True, slots=True)
class InvokeOptions:
    """Which function, with which event."""

    function: Annotated[str, typer.Argument(metavar="FUNCTION", help="Such as ProcessorFunction, or processor.")]
    event: Annotated[Path, typer.Option("--event", "-e", metavar="FILE", help="The event, JSON; - is stdin.")]
    data_dir: _DataDir = None


@dataclass(frozen=True, slots=True)
class StatusOptions:
    """Which stack."""

    data_dir: _DataDir = None


def add_to(tree: Tree) -> None:
    """Add the commands of this module."""
    tree.group("local", help_text="A stack of your own on this machine.")
    tree.command(
        "local up",
        up,
        examples=[
            "cratekeeper local up",
            "cratekeeper local up --port 9000 --set MaxConcurrentDownloads=1",
            "cratekeeper local up --provider-url http://127.0.0.1:5000 --ready-file ready.json",
        ],
    )
    tree.command("local demo", demo, examples=["cratekeeper local demo", "cratekeeper local demo --fresh"])
    tree.command(
        "local invoke",
        invoke,
        examples=[
            "cratekeeper local invoke dispatcher -e events/dispatcher_tick.json",
            "cratekeeper local invoke RequestsFunction -e - < event.json",
        ],
    )
    tree.command("local status", status, examples=["cratekeeper local status"])


def up(_run: Run, options: UpOptions) -> Exit:
    """Start a stack and stay until Ctrl-C or SIGTERM.

    While it runs, every command in this folder and below talks to it without a login.
    """
    return _stay(options, with_album=False)


def demo(_run: Run, options: UpOptions) -> Exit:
    """Start a stack and fetch a first album into it.

    Then says where everything is, and stays until Ctrl-C or SIGTERM.
    """
    return _stay(options, with_album=True)


def _stay(options: UpOptions, *, with_album: bool) -> Exit:
    settings = _parameters(options.settings)
    with _told():
        from cratekeeper_local import commands

        start = commands.demo if with_album else commands.up
        start(
            port=options.port,
            provider_url=options.provider_url,
            data_dir=options.data_dir,
            fresh=options.fresh,
            settings=settings,
            ready_file=options.ready_file,
        )
    return Exit.OK


def _parameters(settings: Sequence[str]) -> dict[str, str]:
    """`Parameter=value` taken apart. Raises BadInput; what parameters there are, the stack knows."""
    found: dict[str, str] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign or not name.strip():
            raise BadInput(f"--set takes Parameter=value, not {setting!r}")
        if name.strip() in found:
            raise BadInput(f"--set {name.strip()} is given twice")
        found[name.strip()] = value
    return found


def invoke(_run: Run, options: InvokeOptions) -> Exit:
    """Run one function of the running stack with an event.

    Its answer goes to stdout as JSON, its log to stderr. Exit code 1 if it failed.
    The key ck_example of the files in events/ stands for the administrator's.
    """
    with _told():
        from cratekeeper_local import commands

        return Exit(commands.invoke(options.function, event_path=options.event, data_dir=options.data_dir))


def status(_run: Run, options: StatusOptions) -> Exit:
    """Print addresses and resources of the running stack as JSON.

    Exit code 3 if none is running.
    """
    with _told():
        from cratekeeper_local import commands

        return Exit(commands.status(data_dir=options.data_dir))


@contextmanager
def _told() -> Iterator[None]:
    """What the stack says went wrong, as the command line tells it."""
    try:
        from cratekeeper_local.errors import LocalStackError
    except ModuleNotFoundError as error:
        raise StackFailed(
            f"the local stack is not installed ({error.name}); run make setup", exit_code=Exit.FAILED
        ) from error
    try:
        yield
    except ModuleNotFoundError as error:
        raise StackFailed(f"the package {error.name} is missing; run make setup", exit_code=Exit.FAILED) from error
    except LocalStackError as error:
        raise StackFailed(str(error), exit_code=error.exit_code) from error
