# TaskTracker's recipes. No logic lives here: each calls a program that can be called by hand.

set positional-arguments := true

# This repository's own packages: those of the workspace (pyproject.toml)
packages := `printf -- "-e %s " cli cluster services/*/`

# List the recipes
_default:
    @just --list --unsorted

# Bring the whole cluster up
[group('cluster')]
[no-exit-message]
up: _environment
    @.venv/bin/tasktracker-cli admin up

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

# Show agents, jobs, instances and health
[group('cluster')]
[no-exit-message]
status *flags: _environment
    @.venv/bin/tasktracker-cli admin status "$@"

# Walk the way of a request and name the first broken hop, with its repair
[group('cluster')]
[no-exit-message]
doctor *flags: _environment
    @.venv/bin/tasktracker-cli admin doctor "$@"

# Show what a service or an agent has logged (-f: follow)
[group('cluster')]
[no-exit-message]
logs *words: _environment
    @.venv/bin/tasktracker-cli admin logs "$@"

# Sign access tokens with a new key; those of the key until now stay valid
[group('cluster')]
[no-exit-message]
rotate-key: _environment
    @.venv/bin/tasktracker-cli admin rotate-key

# Print export lines for nomad and consul: eval "$(./just env)"
[group('cluster')]
[no-exit-message]
env: _environment
    @.venv/bin/tasktracker-cli admin env

# Check everything but the drills, or test parts: user task stats portal servicekit cli cluster contract infra docs bench dev e2e
[group('work')]
[no-exit-message]
test *parts: _environment
    @tools/test "$@"

# The tests that take minutes: loss of power, lost tokens, a rotation, every hop broken
[group('work')]
[no-exit-message]
drill: _environment
    @tools/test drills

# Let Schemathesis look for calls that a service answers otherwise than documented, Hypothesis for dates
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

# How much of the services and the CLI the tests without a cluster reach
[group('work')]
[no-exit-message]
coverage: _environment
    @.venv/bin/coverage erase
    @.venv/bin/coverage run -m pytest services cli cluster
    @.venv/bin/coverage combine --quiet
    @.venv/bin/coverage report

# Write docs/endpoints.md: each call, each of its answers, and the tests that make it happen
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

# Write docs/cli.md again, from what the program says of itself
[group('work')]
reference: _environment
    @.venv/bin/python -m tasktracker_cli.reference > docs/cli.md

# Look for known holes in what is used, faults in the code, and secrets in the history
[group('work')]
[no-exit-message]
audit *words: _environment
    @.venv/bin/python -m tools.audit "$@"

# Resolve the Python requirements again
[group('work')]
lock *flags: _environment
    @tools/lock "$@"

# Run the services by hand with hot reload and without root, until Ctrl-C
[group('development')]
[no-exit-message]
dev: _environment
    @.venv/bin/tasktracker-cli admin dev

# The locked Python environment, and this checkout's packages in it
_environment:
    @test -x .venv/bin/python || uv venv --quiet --python "${TASKTRACKER_PYTHON:-python3}" .venv
    @uv pip install --quiet --require-hashes -r requirements/dev.lock \
        --require-build-hashes --build-constraints requirements/build.lock
    @uv pip install --quiet --no-deps --no-build-isolation {{ packages }}
