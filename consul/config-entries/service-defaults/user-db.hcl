Kind     = "service-defaults"
Name     = "user-db"
Protocol = "tcp"
