"""Accounts, their sessions and their tokens."""
