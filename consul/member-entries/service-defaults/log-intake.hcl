Kind     = "service-defaults"
Name     = "log-intake"
Protocol = "http"
