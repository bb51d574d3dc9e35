"""The operator's commands are part of the installed program, which the client's tests run."""

from cli.tests.conftest import isolated

__all__ = ["isolated"]
