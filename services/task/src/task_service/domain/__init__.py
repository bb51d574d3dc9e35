"""What a task is and what may happen to it; no framework and no SQL."""
