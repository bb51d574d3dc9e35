"""The lines that tasks and agents have logged, as records that can be searched."""
