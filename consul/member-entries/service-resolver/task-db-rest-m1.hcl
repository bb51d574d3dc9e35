Kind = "service-resolver"
Name = "task-db-rest-m1"

Redirect {
  Service       = "task-db-rest"
  ServiceSubset = "m1"
}
