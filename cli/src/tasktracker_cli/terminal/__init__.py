"""What people and programs read: formats, colours, bars, pages."""
