"""`admin doctor`: walks the way that a request takes, and names the first hop that is broken."""
