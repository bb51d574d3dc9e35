"""The stats service: figures over the tasks of a user."""
