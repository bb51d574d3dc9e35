Kind = "service-resolver"
Name = "task-db-rest-m3"

Redirect {
  Service       = "task-db-rest"
  ServiceSubset = "m3"
}
