# TaskTracker's recipes. No logic lives here: each calls a program that can be called by hand.

set positional-arguments := true

packages := "-e cli -e services/portal -e services/servicekit -e services/stats -e services/task -e services/user"

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

# Print export lines for nomad and consul: eval "$(./just env)"
[group('cluster')]
[no-exit-message]
env: _environment
    @.venv/bin/tasktracker-cli admin env

# The locked Python environment, and this checkout's packages in it
_environment:
    @test -x .venv/bin/python || uv venv --quiet --python "${TASKTRACKER_PYTHON:-python3}" .venv
    @uv pip install --quiet --require-hashes -r requirements/dev.lock
    @uv pip install --quiet --no-deps --no-build-isolation {{ packages }}
