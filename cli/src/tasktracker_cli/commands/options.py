"""Options that mean the same in every command."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


class GatewayCommand(TyperCommand):
    """A command that talks to the gateway: takes `--url` too, as the program itself does."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.params.append(
            TyperOption(
                param_decls=["--url"],
                type=str,
                metavar="URL",
                help="The gateway's address.",
                callback=_use_url,
                expose_value=False,
            )
        )


def _use_url(ctx: typer.Context, _param: object, url: str | None) -> None:
    if url is not None:
        ctx.obj.url = url
