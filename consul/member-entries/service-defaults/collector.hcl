Kind     = "service-defaults"
Name     = "collector"
Protocol = "http"
