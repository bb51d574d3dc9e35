"""The gateway as this program knows it: how to call it, and what its answers mean."""
