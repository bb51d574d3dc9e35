"""The operator's half: everything below `tasktracker-cli admin`."""
