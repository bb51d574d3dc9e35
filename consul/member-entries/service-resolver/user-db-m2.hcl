Kind = "service-resolver"
Name = "user-db-m2"

Redirect {
  Service       = "user-db"
  ServiceSubset = "m2"
}
