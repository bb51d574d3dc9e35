"""TaskTracker for the terminal: tasks for users, the cluster for operators."""

# Said here too, because asking the installed package for it takes longer than all of --version.
__version__ = "0.1.0"
