Kind = "service-resolver"
Name = "task-db-m2"

Redirect {
  Service       = "task-db"
  ServiceSubset = "m2"
}
