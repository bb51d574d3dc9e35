"""Nomad's jobs: deployment, logs, secrets, and commands inside a running task."""
