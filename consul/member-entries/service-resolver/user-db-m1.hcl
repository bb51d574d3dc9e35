Kind = "service-resolver"
Name = "user-db-m1"

Redirect {
  Service       = "user-db"
  ServiceSubset = "m1"
}
