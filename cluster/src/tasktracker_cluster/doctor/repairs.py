"""The commands that repair a broken hop."""

UP = "./just up"
ENV = 'eval "$(./just env)"'  # gives `nomad` and `consul` their address and token
LOGS = "./just logs"


def on(machine: str, repair: str) -> str:
    """Return a repair that is made on another machine, unless it says where already."""
    return repair if not repair or repair.startswith("On ") else f"On {machine}: {repair}"


def restart(allocation: str, task: str) -> str:
    """Return the command that restarts one task of an allocation."""
    return f"{ENV}; nomad alloc restart {allocation[:8]} {task}"


def replace(allocation: str) -> str:
    """Return the command that makes Nomad replace an allocation by a new one."""
    return f"{ENV}; nomad alloc stop {allocation[:8]}"
