Kind     = "service-defaults"
Name     = "task-service"
Protocol = "http"
