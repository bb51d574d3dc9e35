Kind = "service-resolver"
Name = "task-db-m1"

Redirect {
  Service       = "task-db"
  ServiceSubset = "m1"
}
