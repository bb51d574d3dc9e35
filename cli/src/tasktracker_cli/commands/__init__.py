"""The user's commands, one module per noun."""
