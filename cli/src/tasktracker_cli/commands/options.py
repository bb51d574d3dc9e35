"""Options that mean the same in every command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperCommand, TyperOption

from tasktracker_cli.commands.completers import formats_of_data, listed, profile_names
from tasktracker_cli.gateway.models import STATS_FIELDS, TASK_FIELDS, USER_FIELDS
from tasktracker_cli.terminal.choices import Format

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


def gateway_options(*, with_environment: bool = False) -> list[TyperOption]:
    """Return --url, --profile, --verbose and --trace; the first two may have a variable, too.

    A command takes them after its name as well as before it, and only there without a variable:
    else the variable would win over an option in front of the command.
    """
    return [
        _option(
            "--url",
            _use_url,
            metavar="URL",
            help="The gateway's address.",
            envvar="TASKTRACKER_URL" if with_environment else None,
        ),
        _option(
            "--profile",
            _use_profile,
            metavar="NAME",
            help="The profile: a gateway and a user.",
            envvar="TASKTRACKER_PROFILE" if with_environment else None,
            autocompletion=lambda ctx, _words, begun: profile_names(ctx, begun),
        ),
        _flag("--verbose", _use_verbose, "-v", help="Show each request, without its secrets."),
        _flag("--trace", _use_trace, help="Show the way of each request through the cluster."),
    ]


class GatewayCommand(TyperCommand):
    """A command that talks to the gateway: takes the program's own options, too."""

    calls_gateway: ClassVar[bool] = True  # else it takes none of these options

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        if self.calls_gateway:
            self.params += gateway_options()


class DataCommand(GatewayCommand):
    """A command that prints objects with these `fields`, in the format that the user chooses."""

    fields: ClassVar[Sequence[str]] = ()
    key: ClassVar[str] = "id"  # what --quiet prints; empty for nothing
    is_list: ClassVar[bool] = False

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        formats = "|".join(Format)
        self.params += [
            _option(
                "--output",
                _use_format,
                "-o",
                metavar=formats,
                help="How to print data.",
                autocompletion=lambda _ctx, _words, begun: formats_of_data(begun),
            ),
            _flag("--json", _use_json, help="Short for --output json."),
            _option(
                "--fields",
                self._use_fields,
                metavar="A,B",
                help="Only these fields.",
                autocompletion=lambda _ctx, _words, begun: listed(self.fields, begun),
            ),
            _option("--jq", _use_jq, metavar="EXPR", help="Select from the JSON with jq."),
        ]
        if self.key:
            self.params.append(
                _flag("--quiet", _use_quiet, "-q", help=f"Print the bare {self.key} only.")
            )
        if self.is_list:
            self.params.append(_flag("--no-pager", _use_no_pager, help="Print all at once."))

    def invoke(self, ctx: Any) -> Any:
        ctx.obj.output.choices.check(self.key)
        return super().invoke(ctx)

    def _use_fields(self, ctx: typer.Context, _param: object, text: str | None) -> None:
        if text is not None:
            ctx.obj.output.choices.choose_fields(text, self.fields)


class TaskCommand(DataCommand):
    """Prints one task, or what was done to it."""

    fields = TASK_FIELDS


class TaskListCommand(TaskCommand):
    """Prints tasks."""

    is_list = True


class UserCommand(DataCommand):
    """Prints a user."""

    fields = USER_FIELDS


class StatsCommand(DataCommand):
    """Prints figures."""

    fields = STATS_FIELDS
    key = ""


def _option(name: str, callback: Callable[..., None], *more: str, **attributes: Any) -> TyperOption:
    return TyperOption(
        param_decls=[name, *more],
        type=str,
        callback=callback,
        expose_value=False,
        # Read first, so that errors about other options have the chosen format.
        is_eager=True,
        show_envvar=True,
        **attributes,
    )


def _flag(name: str, callback: Callable[..., None], *more: str, help: str) -> TyperOption:  # noqa: A002 - typer's name
    return TyperOption(
        param_decls=[name, *more],
        is_flag=True,
        default=False,
        callback=callback,
        expose_value=False,
        is_eager=True,
        help=help,
    )


def _use_url(ctx: typer.Context, _param: object, url: str | None) -> None:
    if url is not None:
        ctx.obj.url = url


def _use_profile(ctx: typer.Context, _param: object, name: str | None) -> None:
    if name is not None:
        ctx.obj.profile_name = name


def _use_verbose(ctx: typer.Context, _param: object, wanted: bool) -> None:
    ctx.obj.verbose = ctx.obj.verbose or wanted


def _use_trace(ctx: typer.Context, _param: object, wanted: bool) -> None:
    ctx.obj.traced = ctx.obj.traced or wanted


def _use_format(ctx: typer.Context, _param: object, text: str | None) -> None:
    if text is not None:
        ctx.obj.output.choices.choose_format(text)


def _use_json(ctx: typer.Context, _param: object, wanted: bool) -> None:
    if wanted:
        ctx.obj.output.choices.choose_format(Format.JSON)


def _use_jq(ctx: typer.Context, _param: object, expression: str | None) -> None:
    ctx.obj.output.choices.jq = expression


def _use_quiet(ctx: typer.Context, _param: object, wanted: bool) -> None:
    ctx.obj.output.choices.quiet = wanted


def _use_no_pager(ctx: typer.Context, _param: object, wanted: bool) -> None:
    ctx.obj.output.choices.pager = not wanted
