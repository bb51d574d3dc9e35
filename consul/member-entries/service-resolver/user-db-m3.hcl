Kind = "service-resolver"
Name = "user-db-m3"

Redirect {
  Service       = "user-db"
  ServiceSubset = "m3"
}
