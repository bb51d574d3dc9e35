"""The task service: tasks, their lists and their counts."""
