"""What keeps the benchmark from saying anything: better no figure than a wrong one."""


class BenchError(Exception):
    """A measurement that does not count; its text says why, and what to do."""
