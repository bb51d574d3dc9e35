"""Due dates as people write them: in digits or in words, in the user's own time zone."""
