"""A bill of materials: the packages of an artifact, in CycloneDX's format.

It is read from an installation of the artifact, not from a list of what should be in it.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tasktracker_cluster.machine import shell
from tasktracker_cluster.releases import artifact
from tasktracker_cluster.releases.artifact import Plan


def write(plan: Plan, built: Path, python: Path) -> None:
    """Write the bill of the artifact `built` beside it.

    Raises CommandError when the artifact cannot be installed.
    """
    with tempfile.TemporaryDirectory() as temporary:
        environment = Path(temporary, "environment")
        artifact.install(built, environment, python)
        project = [f"--pyproject={plan.project}"] if plan.project else []
        program = Path(sys.executable).with_name("cyclonedx-py")
        printed = shell.run([program, "environment", "--output-reproducible",
                             "--mc-type=application", *project, environment / "bin" / "python"],
                            env={"SOURCE_DATE_EPOCH": ""})  # fmt: skip  # without any time
    bill: dict[str, Any] = json.loads(printed)
    described = bill["metadata"].setdefault("component", {"name": plan.name, "type": "application"})
    described["hashes"] = [{"alg": "SHA-256", "content": artifact.checksum(built)}]
    built.with_suffix(".cdx.json").write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n")
