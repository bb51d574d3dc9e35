"""A cluster for tests and for the benchmark, in a network of its own."""
