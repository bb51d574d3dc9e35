Kind = "service-resolver"
Name = "task-db-m3"

Redirect {
  Service       = "task-db"
  ServiceSubset = "m3"
}
