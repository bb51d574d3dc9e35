"""`admin doctor`: checks each hop of a request, and shows the first broken one."""
