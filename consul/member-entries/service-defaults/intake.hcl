Kind     = "service-defaults"
Name     = "intake"
Protocol = "http"
