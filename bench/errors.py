"""The benchmark's error: no figure is better than a wrong one."""


class BenchError(Exception):
    """An invalid measurement. Its text gives the reason."""
