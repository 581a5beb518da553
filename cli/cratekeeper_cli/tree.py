"""The tree of commands: what every command has in common is added here, once.

A command is a function of a Run and of one frozen dataclass, whose fields are its arguments
and options. It gets `--json`, its examples in `--help`, and CliErrors told in one line.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, Field, dataclass, fields
from inspect import Parameter, Signature, getdoc, signature
from typing import TYPE_CHECKING, Annotated, Final, TypeVar, get_type_hints

import typer
from typer.core import TyperGroup
from typing_extensions import override

from cratekeeper_cli.endpoint import Endpoint, Role, find_endpoint
from cratekeeper_cli.errors import BadInput, CliError
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.hints import hint_for
from cratekeeper_cli.host import Host
from cratekeeper_cli.output import Output

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from cratekeeper_cli.client import Api

T = TypeVar("T")


_JSON: Final = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
_HELP_SETTINGS: Final = {"help_option_names": ["-h", "--help"]}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one command: the machine and the streams."""

    host: Host
    out: Output

    @contextmanager
    def api(self, role: Role = Role.USER) -> Iterator["Api"]:
        """The server that the person is logged in to. Raises NotLoggedIn.

        `role`: which key to take on a local stack, where there is one for each.
        """
        with open_api(find_endpoint(self.host, role), self.host) as api:
            yield api


@contextmanager
def open_api(endpoint: Endpoint, host: Host) -> Iterator["Api"]:
    """A connection to `endpoint`, closed at the end."""
    from cratekeeper_cli.client import Api  # noqa: PLC0415 - httpx takes longest to load: never for --help

    with Api(endpoint, host) as api:
        yield api


@dataclass(frozen=True, slots=True)
class NoOptions:
    """For commands that take nothing."""


Command = Callable[[Run, T], Exit]


class Tree:
    """The commands by their path, such as `request album`."""

    def __init__(self, *, help_text: str, epilog: str) -> None:
        """Start with the root and no command."""
        self._orders: dict[str, list[str]] = {}
        self.root = typer.Typer(
            cls=self._kind_of(""),
            help=help_text,
            epilog=epilog,
            no_args_is_help=True,
            pretty_exceptions_enable=False,
            rich_markup_mode=None,  # plain help: faster, one-line errors, texts taken as they are
            context_settings=dict(_HELP_SETTINGS),
        )
        self._groups: dict[str, typer.Typer] = {"": self.root}

    def group(self, path: str, *, help_text: str) -> None:
        """Add a group that only holds commands. The group above it must exist."""
        self._add_group(path, typer.Typer(cls=self._kind_of(path), help=help_text, no_args_is_help=True))

    def group_with_default(self, path: str, default: "Command[T]", *, examples: Sequence[str]) -> None:
        """Add a group that, named alone, runs `default`. The group above it must exist."""
        group = typer.Typer(cls=self._kind_of(path), help=getdoc(default), epilog=_epilog(examples))
        group.callback(invoke_without_command=True)(_entry(default))
        self._add_group(path, group)

    def command(self, path: str, command: "Command[T]", *, examples: Sequence[str]) -> None:
        """Add `command` under `path`, whose group must exist; its docstring is its help."""
        above, _, name = path.rpartition(" ")
        self._orders[above].append(name)
        register = self._groups[above].command(name, help=getdoc(command), epilog=_epilog(examples))
        register(_entry(command))

    def _add_group(self, path: str, group: typer.Typer) -> None:
        above, _, name = path.rpartition(" ")
        self._groups[path] = group
        self._orders[above].append(name)
        self._groups[above].add_typer(group, name=name, context_settings=dict(_HELP_SETTINGS))

    def _kind_of(self, path: str) -> type[TyperGroup]:
        """The class of the group at `path`: one of its own, which knows the order of its commands."""
        return _in_order(self._orders.setdefault(path, []))


def _in_order(names: Sequence[str]) -> type[TyperGroup]:
    """A group that lists commands and groups as they were added; by itself typer lists groups last."""

    class InOrder(TyperGroup):
        @override
        def list_commands(self, ctx: object) -> list[str]:
            del ctx
            return sorted(self.commands, key=names.index)

    return InOrder


def _epilog(examples: Sequence[str]) -> str:
    return "\n".join(["\b", "Examples:", *(f"  {example}" for example in examples)])


def _entry(command: "Command[T]") -> Callable[..., None]:
    """What typer calls: the fields of the command's dataclass become its parameters."""
    run_and_options = signature(command).parameters
    options = get_type_hints(command)[list(run_and_options)[1]]

    def call(context: typer.Context, *, json_only: bool, **values: object) -> None:
        if context.invoked_subcommand is None:
            code = _perform(context, lambda run: command(run, options(**values)), json_only=json_only)
            raise typer.Exit(code)
        if misplaced := _typed_before(context):
            raise typer.Exit(_perform(context, lambda _: _refused(misplaced), json_only=json_only))

    vars(call)["__signature__"] = _signature(options)
    return call


def _typed_before(context: typer.Context) -> BadInput | None:
    """An option of a group's default that stands before another of its commands, where it would say nothing."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            return BadInput(f"{parameter.opts[0]} goes behind the command: … {context.invoked_subcommand} …")
    return None


def _refused(error: BadInput) -> Exit:
    raise error


def _signature(options: "type[DataclassInstance]") -> Signature:
    hints = get_type_hints(options, include_extras=True)
    own = [_parameter(field, hints) for field in fields(options)]
    context = Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    switch = Parameter("json_only", Parameter.KEYWORD_ONLY, annotation=_JSON, default=False)
    return Signature([context, *own, switch])


def _parameter(field: "Field[object]", hints: Mapping[str, object]) -> Parameter:
    default = Parameter.empty if field.default is MISSING else field.default
    if field.default_factory is not MISSING:
        default = field.default_factory()
    return Parameter(field.name, Parameter.KEYWORD_ONLY, annotation=hints[field.name], default=default)


def host_of(context: typer.Context) -> Host:
    """The machine: the real one, unless a test passed another."""
    return context.obj if isinstance(context.obj, Host) else Host.real()


def _perform(context: typer.Context, work: Callable[[Run], Exit], *, json_only: bool) -> int:
    host = host_of(context)
    out = Output(host, json_only=json_only)
    try:
        return work(Run(host, out))
    except CliError as error:
        out.refuse(error, hint=hint_for(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        out.note("interrupted")
        return Exit.DETACHED
