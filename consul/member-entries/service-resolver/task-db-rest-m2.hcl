Kind = "service-resolver"
Name = "task-db-rest-m2"

Redirect {
  Service       = "task-db-rest"
  ServiceSubset = "m2"
}
