"""The machinery of a TaskTracker cluster, and the operator's commands for it."""
