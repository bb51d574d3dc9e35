Kind     = "service-defaults"
Name     = "portal"
Protocol = "http"
