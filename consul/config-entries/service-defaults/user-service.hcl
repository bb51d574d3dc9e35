Kind     = "service-defaults"
Name     = "user-service"
Protocol = "http"
