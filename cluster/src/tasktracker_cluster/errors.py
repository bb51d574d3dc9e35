"""What can go wrong while operating the cluster.

Each error class has a code of its own, which `--json` prints.
"""

from collections.abc import Sequence

from tasktracker_cli.errors import CliError, NotFoundError, UsageError


class AdminError(CliError):
    """A sentence for the operator, and what to do next.

    `evidence` holds lines that explain it: the end of a log, usually.
    """

    def __init__(self, message: str, hint: str = "", evidence: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.evidence = tuple(evidence)


class NotRootError(AdminError):
    """The command needs root."""

    code = "not-root"


class MissingProgramError(AdminError):
    """A program is not here and cannot be installed."""

    code = "missing-program"


class CommandError(AdminError):
    """A program that we ran failed."""

    code = "command-failed"


class NotReadyError(AdminError):
    """A condition did not come true within its limit."""

    code = "not-ready"


class OwnedElsewhereError(AdminError):
    """Another checkout runs this machine's cluster."""

    code = "owned-elsewhere"


class PortTakenError(AdminError):
    """Another program uses a port."""

    code = "port-taken"


class NoSpaceError(AdminError):
    """The disk is too full."""

    code = "no-space"


class BadAddressError(AdminError):
    """TASKTRACKER_BIND has an unusable value."""

    code = "bad-address"


class BadHomeError(AdminError):
    """The state folder has an unusable name."""

    code = "bad-home"


class StaleStateError(AdminError):
    """The state folder cannot be continued."""

    code = "stale-state"


class BusyError(AdminError):
    """Another `admin` command is at work."""

    code = "busy"


class JobFailedError(AdminError):
    """A job never became healthy."""

    code = "job-failed"


class BrokenHopError(AdminError):
    """`doctor` found what is broken; the hint is a command to type."""

    code = "broken-hop"


class NoLogError(AdminError):
    """There is no such service or task to read a log of."""

    exit_code = UsageError.exit_code
    code = UsageError.code


class NoUserError(AdminError):
    """There is no such account."""

    exit_code = NotFoundError.exit_code
    code = NotFoundError.code


class NoInstanceError(AdminError):
    """A job does not run, so that nothing can be asked inside it."""

    code = "no-instance"


class ApiError(AdminError):
    """Consul or Nomad refused a request."""

    code = "api-refused"
