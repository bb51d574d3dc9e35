"""Who is logged in where, and how that is kept private."""
