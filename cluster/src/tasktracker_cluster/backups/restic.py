"""Copies of backups in an encrypted store of restic: in a folder, or on another machine by SFTP."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tasktracker_cluster.errors import (
    BadPlaceError,
    CommandError,
    DamagedCopyError,
    NoCopyError,
    WrongKeyError,
)
from tasktracker_cluster.machine import shell

# All copies have the same name of a machine: a cluster may come back on another one.
HOST = "tasktracker"
SFTP = "sftp:"

# Restic has no time limit of its own: ssh ends when the server does not answer, and asks nobody.
SSH = ("ssh", "-oBatchMode=yes", "-oConnectTimeout=30", "-oServerAliveInterval=15",
       "-oServerAliveCountMax=4")  # fmt: skip

# What is kept beside the newest ones, each the last of its hour, day or week. Each copy has a
# window of seven days in which a database can be restored to every second.
KEPT = ("--keep-last=3", "--keep-within-hourly=1d", "--keep-within-daily=14d",
        "--keep-within-weekly=2m")  # fmt: skip
PARTS = 14  # of the data, one of which is read by a thorough check


@dataclass(frozen=True)
class Copy:
    """A copy: its name, when it was begun, and the folders that it has."""

    name: str
    time: datetime
    folders: tuple[Path, ...]


@dataclass(frozen=True)
class Store:
    """A place for copies: an absolute folder or `sftp:USER@HOST:/FOLDER`, and the file of its key.

    Every method raises CommandError when restic fails, with one of these where the cause is known:
    WrongKeyError, and NoCopyError when there is no store.
    """

    place: str
    key: Path

    def is_there(self) -> bool:
        """Return whether the place has a store which this key opens. Raises WrongKeyError."""
        try:
            self._run("cat", "config")
        except NoCopyError:
            return False
        return True

    def create(self) -> None:
        """Make a new store."""
        self._run("init")

    def add(self, folders: Sequence[Path]) -> str:
        """Copy these folders, and return the name of the copy."""
        self._run("unlock")  # only what a killed restic left
        printed = self._run(
            "backup", "--json", f"--host={HOST}", "--ignore-ctime", *map(str, folders)
        )
        return str(json.loads(printed.splitlines()[-1])["snapshot_id"])[:8]

    def check(self, part: int = 0, *, all_data: bool = False) -> None:
        """Check that nothing is missing, and compare one of PARTS with its checksums, none or all.

        Raises DamagedCopyError.
        """
        words = [f"--read-data-subset={part}/{PARTS}"] if part else []
        words = ["--read-data"] if all_data else words
        try:
            self._run("check", *words)
        except CommandError as error:
            if not any("contains errors" in line for line in error.evidence):
                raise
            raise DamagedCopyError(
                f"The copies in {self.place} are damaged.",
                "Look at its disk. Then begin anew elsewhere: ./just backup on --copies PLACE",
                error.evidence,
            ) from None

    def forget(self) -> None:
        """Delete the copies that are too old."""
        self._run("forget", "--prune", f"--host={HOST}", "--group-by=host", *KEPT)

    def copies(self) -> list[Copy]:
        """Return all copies, the newest first."""
        listed = json.loads(self._run("snapshots", "--json", f"--host={HOST}"))
        found = [
            Copy(
                each["short_id"],
                datetime.fromisoformat(each["time"]).astimezone(UTC),
                tuple(map(Path, each["paths"])),
            )
            for each in listed
        ]
        return sorted(found, key=lambda each: each.time, reverse=True)

    def size(self, copy: Copy) -> int:
        """Return how many bytes a copy needs when it is restored."""
        printed = self._run("stats", "--json", "--mode=restore-size", copy.name)
        return int(json.loads(printed)["total_size"])

    def restore(self, copy: Copy, folder: Path) -> None:
        """Restore the folders of a copy below a folder, with their whole paths."""
        self._run("restore", copy.name, f"--target={folder}")

    def _run(self, *words: str) -> str:
        command = ["restic", "--repo", self.place, "--password-file", str(self.key), "--no-cache"]
        if self.place.startswith(SFTP):
            command += ["--option", f"sftp.command={_ssh(self.place)}"]
        try:
            return shell.run([*command, "--quiet", *words], cwd=Path("/"))
        except CommandError as error:
            printed = " ".join(error.evidence)
            if "wrong password or no key found" in printed:
                raise WrongKeyError(
                    f"{self.key} is not the key of the copies in {self.place}.",
                    "Give the file that `backup key` wrote: --key FILE",
                ) from None
            if "unable to open config file" in printed:
                raise NoCopyError(
                    f"There are no copies in {self.place}.", "Is its disk mounted?", error.evidence
                ) from None
            raise CommandError(
                f"restic {words[0]} failed in {self.place}.", error.hint, error.evidence
            ) from None


def _ssh(place: str) -> str:
    """Return the command that reaches the server of a place: sftp:USER@HOST: or sftp://."""
    rest = place.removeprefix(SFTP)
    if rest.startswith("//"):
        server = f"ssh://{rest[2:].partition('/')[0]}"
    else:
        server = rest.partition(":")[0]
    return shlex.join([*SSH, "-s", "--", server, "sftp"])


def place(text: str) -> str:
    """Return the place that a text names: a folder as an absolute path. Raises BadPlaceError."""
    if text.startswith(SFTP):
        return text
    if ":" in text:
        raise BadPlaceError(f"{text!r} is no place.", "Name a folder, or sftp:USER@HOST:/FOLDER.")
    return str(Path(text).absolute())
