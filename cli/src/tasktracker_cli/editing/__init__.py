"""What people write about a task: due dates, fields, a text in an editor."""
