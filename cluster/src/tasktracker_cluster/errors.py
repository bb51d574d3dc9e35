"""The errors of the operator's commands.

Each error class has a code of its own, which `--json` prints.
"""

from collections.abc import Sequence

from tasktracker_cli.errors import CliError, NotFoundError, UsageError


class AdminError(CliError):
    """A message for the operator, and a hint: what to do next.

    `evidence` is a list of lines that explain the failure, usually the end of a log.
    """

    def __init__(self, message: str, hint: str = "", evidence: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.evidence = tuple(evidence)


class NotRootError(AdminError):
    """The command needs root."""

    code = "not-root"


class MissingProgramError(AdminError):
    """A program is missing and cannot be installed."""

    code = "missing-program"


class CommandError(AdminError):
    """An external program failed."""

    code = "command-failed"


class NotReadyError(AdminError):
    """A condition did not become true within its time limit."""

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
    """An address is unusable."""

    code = "bad-address"


class BadInstancesError(AdminError):
    """TASKTRACKER_INSTANCES has an unusable value."""

    code = "bad-instances"


class UnfitMachineError(AdminError):
    """A command is for another machine of the cluster."""

    code = "unfit-machine"


class UnfitRequestError(AdminError):
    """A request for a certificate cannot be signed."""

    code = "unfit-request"


class BadJoinLineError(AdminError):
    """The join line is incomplete or altered."""

    code = "bad-join-line"


class RefusedJoinError(AdminError):
    """The first machine refused a request of another machine."""

    code = "join-refused"


class RefusedLeaveError(AdminError):
    """The cluster needs this machine."""

    code = "leave-refused"


class RefusedRotationError(AdminError):
    """Secrets cannot be rotated now."""

    code = "rotation-refused"


class UnreachableFirstError(AdminError):
    """The first machine of the cluster does not answer."""

    code = "first-unreachable"


class NoArtifactError(AdminError):
    """No machine of the cluster has a part of the release."""

    code = "no-artifact"


class NoNodeError(AdminError):
    """There is no machine of this name in the cluster."""

    exit_code = NotFoundError.exit_code
    code = NotFoundError.code


class BadHomeError(AdminError):
    """The state folder has an unusable name, or is a file."""

    code = "bad-home"


class BackupsOffError(AdminError):
    """Backups are off."""

    code = "backups-off"


class BadRepositoryError(AdminError):
    """A folder cannot be used for backups or restored data."""

    code = "bad-folder"


class NoBackupError(AdminError):
    """There is no backup to restore."""

    code = "no-backup"


class CopiesOffError(AdminError):
    """The backups are not copied elsewhere."""

    code = "copies-off"


class BadPlaceError(AdminError):
    """A place cannot be used for copies of backups."""

    code = "bad-place"


class WrongKeyError(AdminError):
    """A key does not open the copies of backups."""

    code = "wrong-key"


class NoCopyError(AdminError):
    """There is no copy of backups at a place."""

    code = "no-copy"


class DamagedCopyError(AdminError):
    """The copies of backups have faults."""

    code = "damaged-copy"


class BadTimeError(AdminError):
    """A database cannot be restored to this time."""

    code = "bad-time"


class DamagedBackupError(AdminError):
    """The files of a backup have other checksums than when it was made."""

    code = "damaged-backup"


class RestoreFailedError(AdminError):
    """A database was not restored, and stays as it was."""

    code = "restore-failed"


class StaleStateError(AdminError):
    """The state folder cannot be used as it is."""

    code = "stale-state"


class BusyError(AdminError):
    """Another `admin` command is running."""

    code = "busy"


class JobFailedError(AdminError):
    """A job never became healthy."""

    code = "job-failed"


class BrokenHopError(AdminError):
    """`doctor` found a broken hop.

    The hint is the command that repairs it.
    """

    code = "broken-hop"


class NoLogError(AdminError):
    """There is no service or task of this name, so it has no log."""

    exit_code = UsageError.exit_code
    code = UsageError.code


class BadConditionError(AdminError):
    """A condition of a search makes no sense."""

    exit_code = UsageError.exit_code
    code = UsageError.code


class NoRecordError(AdminError):
    """No record of any log meets the conditions."""

    exit_code = NotFoundError.exit_code
    code = NotFoundError.code


class NoUserError(AdminError):
    """There is no account of this name."""

    exit_code = NotFoundError.exit_code
    code = NotFoundError.code


class NoStandbyError(AdminError):
    """A database has no other member that could lead it."""

    code = "no-standby"


class NoInstanceError(AdminError):
    """A job has no running instance."""

    code = "no-instance"


class ApiError(AdminError):
    """Consul or Nomad refused a request.

    `passes`: the same request may be answered a second later. The agent does not answer at all, or
    its servers elect a leader.
    """

    code = "api-refused"

    def __init__(self, message: str, hint: str = "", *, passes: bool = False) -> None:
        super().__init__(message, hint)
        self.passes = passes
