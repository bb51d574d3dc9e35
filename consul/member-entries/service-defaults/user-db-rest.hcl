Kind     = "service-defaults"
Name     = "user-db-rest"
Protocol = "tcp"
