"""The gateway as this program knows it: its address and how to call it."""
