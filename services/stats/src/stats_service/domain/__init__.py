"""What can go wrong with statistics; no framework."""
