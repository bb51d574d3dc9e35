"""A cluster of a test's or a benchmark's own, in a network of its own."""
