"""TaskTracker for the terminal: tasks for users, the cluster for operators."""

# Repeated here: to read it from the installed package takes longer than all of --version.
__version__ = "0.1.0"
