"""Help that fits the terminal, however narrow, and breaks between words only."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import typer
from typer._click.formatting import HelpFormatter  # Typer shows it nowhere else

_WIDEST, _NARROWEST = 80, 24  # columns
_HYPHEN = "\N{NON-BREAKING HYPHEN}"


class Formatter(HelpFormatter):
    """Click's formatter never goes below 50 columns, and breaks `--dry-run` at its hyphen."""

    def __init__(
        self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None
    ) -> None:
        columns = min(shutil.get_terminal_size().columns, max_width or _WIDEST)
        super().__init__(indent_increment, width or max(columns, _NARROWEST) - 2, max_width)

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, _unbroken(args), prefix)

    def write_text(self, text: str) -> None:
        super().write_text(_unbroken(text))

    def write_dl(
        self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        texts = [(name, _unbroken(text)) for name, text in rows]
        super().write_dl(texts, min(col_max, max(self.width * 2 // 5, 10)), col_spacing)

    def getvalue(self) -> str:
        return super().getvalue().replace(_HYPHEN, "-")


class HelpContext(typer.Context):
    """A command's context whose help has this module's form."""

    formatter_class = Formatter


def _unbroken(text: str) -> str:
    return text.replace("-", _HYPHEN)
