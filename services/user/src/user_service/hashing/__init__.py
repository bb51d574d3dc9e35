"""Password hashing: in threads of its own, a bounded number at once."""
