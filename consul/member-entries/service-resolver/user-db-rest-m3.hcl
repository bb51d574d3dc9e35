Kind = "service-resolver"
Name = "user-db-rest-m3"

Redirect {
  Service       = "user-db-rest"
  ServiceSubset = "m3"
}
