"""Releases: what the jobs run, built from the checkout."""
