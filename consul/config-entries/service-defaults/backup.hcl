Kind     = "service-defaults"
Name     = "backup"
Protocol = "tcp"
