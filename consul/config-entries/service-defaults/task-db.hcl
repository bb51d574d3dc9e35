Kind     = "service-defaults"
Name     = "task-db"
Protocol = "tcp"
