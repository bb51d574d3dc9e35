"""Tables and every query."""
