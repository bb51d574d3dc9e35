"""The one file of this program's configuration: profiles, settings and aliases, as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tasktracker_cli.atomic_files import make_private, write_private
from tasktracker_cli.errors import CliError

# The profile that is always there.
DEFAULT = "default"


class ConfigFile:
    """Reads and replaces `config.json` below `folder`. What one part does not know it leaves."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.json"

    def load(self) -> dict[str, Any]:
        """Return what was kept. Raises CliError if it cannot be read or is damaged."""
        try:
            saved = json.loads(self.path.read_text("utf-8"))
            whole = {"settings": {}, "aliases": {}, **saved}
            if not isinstance(saved["current"], str):
                raise TypeError
            if not all(isinstance(whole[name], dict) for name in _SECTIONS):
                raise TypeError
        except FileNotFoundError:
            return {"current": DEFAULT, "profiles": {}, "settings": {}, "aliases": {}}
        except (ValueError, KeyError, TypeError):
            raise self.damaged() from None
        except OSError as error:
            raise self._unusable(error) from error
        return whole

    def save(self, section: str, value: Any) -> None:
        """Replace one section of the file. Raises CliError if it cannot be written."""
        kept = {**self.load(), section: value}
        try:
            make_private(self.path.parent)
            write_private(self.path, json.dumps(kept, indent=2))
        except OSError as error:
            raise self._unusable(error) from error

    def damaged(self) -> CliError:
        """Return the error for a file that is not what this program writes."""
        import shlex

        return CliError(
            f"The configuration at {self.path} cannot be read.",
            f"Mend that file, or delete it with: rm {shlex.quote(str(self.path))}",
        )

    def _unusable(self, error: OSError) -> CliError:
        return CliError(
            f"The configuration at {self.path} cannot be used: {error.strerror}.",
            "Check that folder, or set XDG_CONFIG_HOME to one that you can write to.",
        )


_SECTIONS = ("profiles", "settings", "aliases")
