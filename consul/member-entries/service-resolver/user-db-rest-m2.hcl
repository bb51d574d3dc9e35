Kind = "service-resolver"
Name = "user-db-rest-m2"

Redirect {
  Service       = "user-db-rest"
  ServiceSubset = "m2"
}
