"""The machines of a cluster: invitations, joining, and which of them are servers."""
