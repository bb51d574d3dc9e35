"""Loads the fixtures that the services' tests share (pytest allows this in the root only)."""

pytest_plugins = ["servicekit.testing.plugin", "tests.figures", "tests.lanes"]
