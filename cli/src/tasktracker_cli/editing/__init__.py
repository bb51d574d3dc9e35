"""Changes of a task: its fields, its text in an editor, conflicts, and what can be undone."""
