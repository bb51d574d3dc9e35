"""Where the repository is copied to, with which key, and how old the last good copy is."""

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tasktracker_cluster.backups import ages, repository
from tasktracker_cluster.backups.restic import Store
from tasktracker_cluster.errors import BadPlaceError, CopiesOffError
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site

LONGEST_AGE = timedelta(hours=26)  # one is made after each base backup


@dataclass(frozen=True)
class Copied:
    """The last good copy: its name, of when it is (ISO 8601), and that of the last thorough one."""

    name: str
    at: str
    thorough_at: str


@dataclass(frozen=True)
class Health:
    """The age of the last good copy, None without one, and what is wrong, empty if nothing is."""

    age: timedelta | None
    fault: str

    @property
    def told(self) -> str:
        """Both in words."""
        age = "none yet" if self.age is None else f"{ages.told(self.age)} old"
        return f"{age}, {self.fault}" if self.fault else age


def is_on(site: Site) -> bool:
    """Return whether the repository is copied elsewhere."""
    return repository.is_on(site) and site.copies_file.exists()


def must_be_on(site: Site) -> None:
    """Raise CopiesOffError unless the repository is copied elsewhere."""
    if not is_on(site):
        raise CopiesOffError(
            "The backups are not copied elsewhere.",
            "Name a place for the copies: ./just backup on --copies PLACE",
        )


def store(site: Site) -> Store:
    """Return the place of the copies, with its key. Raises CopiesOffError."""
    must_be_on(site)
    return Store(json.loads(site.copies_file.read_text())["place"], site.copies_key)


def prepare(site: Site, place: str, key: Path | None) -> Path | None:
    """Use a place from now on. Copies that are there already need their `key`, a new one makes one.

    Return the file in which the key of the place before is kept, if another one takes its place.
    Raises BadPlaceError, WrongKeyError, CommandError. Then the place is as it was.
    """
    kept = None
    if key is not None:
        if not Store(place, key).is_there():
            raise BadPlaceError(f"There are no copies in {place}.", "Leave out --key.")
        kept = _keep_key(site, key.read_text())
        files.write(site.copies_key, key.read_text(), mode=0o600)
    elif not site.copies_key.exists():
        files.write(site.copies_key, f"{secrets.token_urlsafe(48)}\n", mode=0o600)
    known = Store(place, site.copies_key)
    if not known.is_there():
        known.create()
    changed = files.write(site.copies_file, json.dumps({"place": place}) + "\n")
    if changed:  # what is known is of another place
        forget(site)
    return kept


def _keep_key(site: Site, new: str) -> Path | None:
    """Keep the present key in a file of its own if a new one differs: it may be the only one."""
    file = site.copies_key
    if not file.exists() or file.read_text().strip() == new.strip():
        return None
    kept = file.with_name(f"{file.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    files.write(kept, file.read_text(), mode=0o600)
    return kept


def forget(site: Site) -> None:
    """Forget what is known of the last copy."""
    site.copied_file.unlink(missing_ok=True)
    site.copies_fault.unlink(missing_ok=True)


def write_key(site: Site, file: Path) -> None:
    """Write the key of the copies to a new file of mode 0600.

    Raises CopiesOffError when there is none, BadPlaceError when the file exists.
    """
    must_be_on(site)
    if file.exists():
        raise BadPlaceError(f"{file} exists already.", "Choose a new file.")
    files.write(file, site.copies_key.read_text(), mode=0o600)


def last(site: Site) -> Copied | None:
    """Return the last good copy; None: there is none."""
    try:
        return Copied(**json.loads(site.copied_file.read_text()))
    except FileNotFoundError:
        return None


def remember(site: Site, copied: Copied) -> None:
    """Record a good copy."""
    files.write(site.copied_file, json.dumps(asdict(copied)) + "\n")
    site.copies_fault.unlink(missing_ok=True)


def health(site: Site) -> Health:
    """Return the health of the copies."""
    known = last(site)
    age = datetime.now(UTC) - datetime.fromisoformat(known.at) if known else None
    if site.copies_fault.exists():
        return Health(age, f"the last copy failed: {site.copies_fault.read_text().strip()}")
    if age is None:
        return Health(None, "no copy yet")
    return Health(age, "the last good copy is too old" if age > LONGEST_AGE else "")


def is_on_the_same_disk(site: Site, place: str) -> bool:
    """Return whether a place is on the disk of the state folder, with which it would be lost."""
    folder = Path(place)
    return folder.is_absolute() and folder.stat().st_dev == site.home.stat().st_dev
