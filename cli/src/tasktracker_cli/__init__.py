"""TaskTracker for the terminal: tasks for users, the cluster for operators."""
