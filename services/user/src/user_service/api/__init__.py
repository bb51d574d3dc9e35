"""Accounts, sessions and tokens over HTTP."""
