"""What the services' tests share. Nothing here is imported by a running service."""
