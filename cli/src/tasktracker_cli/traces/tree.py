"""A trace as a tree with durations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rich.text import Text
from rich.tree import Tree

from tasktracker_cli.terminal.text import counted, visible
from tasktracker_cli.traces.hops import Span


def tree(spans: Sequence[Span]) -> Tree:
    """Return the spans, each below the one that it was a part of. There must be one at least."""
    known = {span.identifier for span in spans}
    below: dict[str, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda each: each.start):
        below[span.parent if span.parent in known else ""].append(span)
    began = min(span.start for span in spans)
    ended = max(span.start + span.duration for span in spans)
    root = Tree(Text(f"{_milliseconds(ended - began)}, {counted(len(spans), 'span')}", "dim"))
    _grow(root, "", below)
    return root


def _grow(branch: Tree, parent: str, below: dict[str, list[Span]]) -> None:
    # Taken out, so that spans that name each other as parents are not followed for ever.
    for span in below.pop(parent, []):
        _grow(branch.add(_label(span)), span.identifier, below)


def _label(span: Span) -> Text:
    return Text.assemble(
        (_milliseconds(span.duration), "cyan"),
        " ",
        (visible(span.service), "bold"),
        " ",
        visible(span.name),
        *([(" failed", "red")] if span.failed else []),
    )


def _milliseconds(microseconds: int) -> str:
    return f"{microseconds / 1000:,.1f} ms"
