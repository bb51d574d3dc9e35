Kind     = "service-defaults"
Name     = "stats-service"
Protocol = "http"
