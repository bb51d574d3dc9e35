"""What can go wrong while operating the cluster.

AdminError
├── NotRootError
├── MissingProgramError     a program that is not here and cannot be installed
├── CommandError            a program that we ran failed
├── NotReadyError           a condition that did not come true within its limit
├── OwnedElsewhereError     another checkout runs this machine's cluster
├── PortTakenError
├── NoSpaceError
├── BadAddressError         a TASKTRACKER_BIND that will not do
├── BadHomeError            a state folder whose name will not do
├── StaleStateError         a state folder that cannot be continued
├── BusyError               another `admin` command is at work
├── JobFailedError          a job that never became healthy
├── BrokenHopError          `doctor` found what is broken; the hint is a command to type
├── NoLogError              there is no such service or task to read a log of
├── NoUserError             there is no such account
├── NoInstanceError         a job that does not run, so that nothing can be asked inside it
└── ApiError                Consul or Nomad refused a request
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
    pass


class MissingProgramError(AdminError):
    pass


class CommandError(AdminError):
    pass


class NotReadyError(AdminError):
    pass


class OwnedElsewhereError(AdminError):
    pass


class PortTakenError(AdminError):
    pass


class NoSpaceError(AdminError):
    pass


class BadAddressError(AdminError):
    pass


class BadHomeError(AdminError):
    pass


class StaleStateError(AdminError):
    pass


class BusyError(AdminError):
    pass


class JobFailedError(AdminError):
    pass


class BrokenHopError(AdminError):
    code = "broken-hop"


class NoLogError(AdminError):
    exit_code = UsageError.exit_code
    code = UsageError.code


class NoUserError(AdminError):
    exit_code = NotFoundError.exit_code
    code = NotFoundError.code


class NoInstanceError(AdminError):
    pass


class ApiError(AdminError):
    pass
