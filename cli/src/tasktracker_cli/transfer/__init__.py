"""Many tasks at once: from a file to the gateway, and back."""
