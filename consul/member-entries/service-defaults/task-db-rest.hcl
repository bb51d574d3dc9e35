Kind     = "service-defaults"
Name     = "task-db-rest"
Protocol = "tcp"
