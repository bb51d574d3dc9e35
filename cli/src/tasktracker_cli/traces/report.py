"""What `--trace` tells at the end of a run."""

from __future__ import annotations

import sys

from tasktracker_cli import environment
from tasktracker_cli.errors import CliError
from tasktracker_cli.terminal.output import Output
from tasktracker_cli.terminal.sink import is_terminal, make_console
from tasktracker_cli.traces.context import Trace
from tasktracker_cli.traces.hops import is_complete
from tasktracker_cli.traces.store import Store


def report(output: Output, trace: Trace) -> None:
    """Print the trace's id on standard error and, on a terminal, the trace."""
    output.trace(f"trace {trace.identifier}")
    if output.choices.errors_are_json or not is_terminal(sys.stderr):
        return
    try:
        with output.progress("Waiting for the trace"):
            spans = Store(environment.traces_url()).wait_for(trace)
    except CliError as error:  # the run itself went as it went
        output.note(f"The trace cannot be shown. {error.told()}")
        return
    if not spans:
        output.note(
            "No span of it was stored: the gateway traces nothing, or its store is another."
        )
        return
    from tasktracker_cli.traces.tree import tree

    make_console(stderr=True).print(tree(spans))
    if not is_complete(spans, trace.parent, trace.requests):
        output.note("Some spans are missing: a program could not send them.")
