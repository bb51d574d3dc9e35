"""What becomes of a deleted task: for a while it can be brought back."""

from datetime import timedelta

KEPT = timedelta(days=30)
"""How long a deleted task stays in the bin, unless the settings say otherwise."""
