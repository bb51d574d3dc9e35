"""Backups of the databases: the repository, the job that keeps it, and restoring."""
