# TaskTracker's recipes. They have no logic: each calls a program that can be called by hand.

set positional-arguments := true

# This repository's own packages: those of the workspace (pyproject.toml)
packages := `printf -- "-e %s " cli cluster services/*/`

# List the recipes
_default:
    @just --list --unsorted

# Bring the whole cluster up
[group('cluster')]
[no-exit-message]
up *flags: _environment
    @.venv/bin/tasktracker-cli admin up "$@"

# Stop everything, keep the data
[group('cluster')]
[no-exit-message]
down: _environment
    @.venv/bin/tasktracker-cli admin down

# Stop everything and delete the data (--yes: do not ask)
[group('cluster')]
[no-exit-message]
destroy *flags: _environment
    @.venv/bin/tasktracker-cli admin destroy "$@"

# Add metrics, dashboards and alerts to the running cluster (--traces, too; --off: take them away)
[group('cluster')]
[no-exit-message]
observe *flags: _environment
    @.venv/bin/tasktracker-cli admin observe "$@"

# Let other machines join this one's running cluster at an address of this machine
[group('cluster')]
[no-exit-message]
advertise address: _environment
    @.venv/bin/tasktracker-cli admin advertise "$@"

# Print the line with which one machine can join, once, within an hour
[group('cluster')]
[no-exit-message]
invite: _environment
    @.venv/bin/tasktracker-cli admin invite

# Make this machine a part of another machine's cluster
[group('cluster')]
[no-exit-message]
join *words: _environment
    @.venv/bin/tasktracker-cli admin join "$@"

# Take this machine out of its cluster
[group('cluster')]
[no-exit-message]
leave *flags: _environment
    @.venv/bin/tasktracker-cli admin leave "$@"

# Show agents, jobs, instances and health
[group('cluster')]
[no-exit-message]
status *flags: _environment
    @.venv/bin/tasktracker-cli admin status "$@"

# Find the first broken hop of a request, and its repair
[group('cluster')]
[no-exit-message]
doctor *flags: _environment
    @.venv/bin/tasktracker-cli admin doctor "$@"

# Show the log of a service or an agent (-f: follow)
[group('cluster')]
[no-exit-message]
logs *words: _environment
    @.venv/bin/tasktracker-cli admin logs "$@"

# Replace secrets while the cluster runs: certificates, gossip, agent-tokens, signing-key, db-password
[group('cluster')]
[no-exit-message]
rotate *what: _environment
    @.venv/bin/tasktracker-cli admin rotate "$@"

# The name that `rotate signing-key` had before
[private]
[no-exit-message]
rotate-key: _environment
    @.venv/bin/tasktracker-cli admin rotate signing-key

# Backups of the databases: on, off, now, copy, drill, key, list, verify
[group('cluster')]
[no-exit-message]
backup *words: _environment
    @.venv/bin/tasktracker-cli admin backup "$@"

# Restore a database (user, task) to a time, beside the live one or in its place
[group('cluster')]
[no-exit-message]
restore *words: _environment
    @.venv/bin/tasktracker-cli admin restore "$@"

# Bring a cluster back on a machine that has none: --from PLACE, a repository or with --key copies
[group('cluster')]
[no-exit-message]
rebuild *flags: _environment
    @.venv/bin/tasktracker-cli admin rebuild "$@"

# Print export lines for nomad and consul: eval "$(./just env)"
[group('cluster')]
[no-exit-message]
env: _environment
    @.venv/bin/tasktracker-cli admin env

# Check everything but the drills, or test parts: user task stats portal servicekit cli cluster contract infra docs bench dev e2e machines
[group('work')]
[no-exit-message]
test *parts: _environment
    @tools/test "$@"

# Run the tests that take minutes: loss of power, lost tokens, a rotation, every hop broken
[group('work')]
[no-exit-message]
drill: _environment
    @tools/test drills

# Take the pictures of the pages that the documents show, from a cluster of their own
[group('work')]
[no-exit-message]
screenshots *names: _environment
    @tools/test-packages e2e screenshots
    @.venv/bin/python -m tests.e2e.screenshots "$@"

# Search for answers that differ from their documents (Schemathesis), and for faults (Hypothesis)
[group('work')]
[no-exit-message]
fuzz: _environment
    @tools/test fuzz

# Compare the speed with what is possible, figure by figure (docs/bench.md)
[group('work')]
[no-exit-message]
bench *figures: _environment
    @tools/test-packages bench
    @.venv/bin/python -m bench "$@"

# Measure the coverage of services, CLI and cluster by the tests without a cluster
[group('work')]
[no-exit-message]
coverage: _environment
    @.venv/bin/coverage erase
    @.venv/bin/coverage run -m pytest services cli cluster
    @.venv/bin/coverage combine --quiet
    @.venv/bin/coverage report

# Write docs/endpoints.md: each call, each of its answers, and the tests of each answer
[group('work')]
[no-exit-message]
endpoints: _environment
    @.venv/bin/pytest -q services/user services/task services/stats services/portal \
        --endpoints docs/endpoints.md

# Format the Python code
[group('work')]
format: _environment
    @.venv/bin/ruff check --quiet --fix
    @.venv/bin/ruff format --quiet

# Write docs/cli.md from the help texts of the CLI
[group('work')]
reference: _environment
    @.venv/bin/python -m tasktracker_cli.reference > docs/cli.md

# Search for known vulnerabilities, faults in the code, and secrets in the history
[group('work')]
[no-exit-message]
audit *words: _environment
    @.venv/bin/python -m tools.audit "$@"

# Build each service's artifact in dist/, with its checksum and its bill of materials
[group('work')]
[no-exit-message]
release *flags: _environment
    @.venv/bin/tasktracker-cli admin release "$@"

# Resolve the Python requirements again
[group('work')]
lock *flags: _environment
    @tools/lock "$@"

# Run the services by hand with hot reload and without root, until Ctrl-C
[group('development')]
[no-exit-message]
dev: _environment
    @.venv/bin/tasktracker-cli admin dev

# Install the locked Python environment, and this checkout's packages in it
_environment:
    @test -x .venv/bin/python || uv venv --quiet --python "${TASKTRACKER_PYTHON:-python3}" .venv
    @uv pip install --quiet --compile-bytecode --require-hashes -r requirements/dev.lock \
        --require-build-hashes --build-constraints requirements/build.lock
    @uv pip install --quiet --no-deps --no-build-isolation {{ packages }}
