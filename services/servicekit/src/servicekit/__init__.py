"""The policy that the services share: what would be a bug if two of them differed."""
