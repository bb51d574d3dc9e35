"""The rules of accounts, free of any framework."""
