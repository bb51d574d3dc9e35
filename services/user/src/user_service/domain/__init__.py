"""The rules of accounts, without any framework, thread or database."""
