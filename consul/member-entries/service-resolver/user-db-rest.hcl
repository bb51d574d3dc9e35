Kind           = "service-resolver"
Name           = "user-db-rest"
ConnectTimeout = "1s"

Subsets = {
  m1 = { Filter = "Service.Meta.member == m1" }
  m2 = { Filter = "Service.Meta.member == m2" }
  m3 = { Filter = "Service.Meta.member == m3" }
}
