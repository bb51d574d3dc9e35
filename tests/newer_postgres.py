"""PostgreSQL of the next Debian, out of its packages, for tests that upgrade a database.

apt fetches them from the machine's own sources, with the next Debian's name in place of this one's.
Nothing is installed. The programs of the next Debian need its C library, so each is a script that
starts the real one with the loader and the libraries of its own packages.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasktracker_cluster.machine import shell

VERSION = "17"
PLACE = Path("/usr/lib/postgresql", VERSION)  # walls let programs read it
NEXT = {"bookworm": "trixie"}
_FLAGS = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")


@contextmanager
def programs(scratch: Path) -> Iterator[Path]:
    """Give the folder of the programs during the block.

    Where the machine has this version, it is used. Else `scratch` gets the packages, and is mounted
    over an empty folder. Raises CommandError when apt finds them in none of the machine's sources.
    """
    if (PLACE / "bin/postgres").exists():
        yield PLACE / "bin"
        return
    _unpack(scratch)
    _wrap(scratch)
    PLACE.mkdir(exist_ok=True)
    shell.run(["mount", "--bind", scratch, PLACE])
    try:
        yield PLACE / "bin"
    finally:
        shell.run(["umount", "--lazy", PLACE])
        PLACE.rmdir()


def _unpack(scratch: Path) -> None:
    """Unpack PostgreSQL and all libraries that it needs into the folder `root`."""
    apt = scratch / "apt"
    options = _apt_options(apt)
    shell.run(["apt-get", *options, "update", "-q"])
    wanted = [f"postgresql-{VERSION}", f"postgresql-client-{VERSION}", "libc-bin"]
    needed = shell.run(["apt-cache", *options, "depends", "--recurse",
                        *(f"--no-{each}" for each in _FLAGS), *wanted])  # fmt: skip
    libraries = re.findall(r"(?m)^(lib[^:\s]+)$", needed)
    names = sorted({*wanted, *(each for each in libraries if not each.endswith("-perl"))})
    shell.run(["apt-get", *options, "download", "-q", *names], cwd=apt)
    for package in apt.glob("*.deb"):
        shell.run(["dpkg-deb", "--extract", package, scratch / "root"])
    shutil.rmtree(apt)


def _apt_options(apt: Path) -> list[str]:
    """Return the options by which apt knows the next Debian's packages only, in `apt`."""
    (this,) = re.findall(r"(?m)^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text())
    sources, lists, cache = apt / "sources", apt / "lists", apt / "cache"
    for folder in (sources, lists / "partial", cache / "archives/partial"):
        folder.mkdir(parents=True)
    etc = Path("/etc/apt")
    for file in (*etc.glob("sources.list"), *etc.glob("sources.list.d/*")):
        if file.suffix in (".list", ".sources") and this in file.read_text():
            name = file.name
            (sources / name).write_text(re.sub(rf"\b{this}\b", NEXT[this], file.read_text()))
    settings = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": sources,
        "Dir::State::Lists": lists,
        "Dir::Cache": cache,
        "APT::Sandbox::User": "root",  # the folder is root's
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _wrap(scratch: Path) -> None:
    """Replace each program by a script that starts it with its own loader and libraries."""
    root, inside = scratch / "root", Path("usr/lib/postgresql", VERSION)
    (loader,) = root.glob("usr/lib*/ld-linux-*.so.*")
    (libraries,) = root.glob("usr/lib/*-linux-gnu")
    start = (
        f"LOCPATH={PLACE}/root/usr/lib/locale exec {PLACE / loader.relative_to(scratch)} "
        f"--library-path {PLACE / libraries.relative_to(scratch)}"
    )
    real = (root / inside / "bin").rename(root / inside / "real")
    (root / inside / "bin").mkdir()
    for program in real.iterdir():
        script = root / inside / "bin" / program.name
        # By its name it finds the other programs, which are scripts too, and its own files.
        named = f"--argv0 {PLACE / script.relative_to(scratch)} {PLACE / real.relative_to(scratch)}"
        script.write_text(f'#!/bin/sh\n{start} {named}/{program.name} "$@"\n')
        script.chmod(0o755)
    (scratch / "bin").symlink_to(Path("root") / inside / "bin")
