Kind = "service-resolver"
Name = "user-db-rest-m1"

Redirect {
  Service       = "user-db-rest"
  ServiceSubset = "m1"
}
