Kind           = "service-resolver"
Name           = "user-db"
ConnectTimeout = "1s"

# The check of a member passes only while it leads.
DefaultSubset = "leader"

Subsets = {
  leader = { OnlyPassing = true }
  m1     = { Filter = "Service.Meta.member == m1" }
  m2     = { Filter = "Service.Meta.member == m2" }
  m3     = { Filter = "Service.Meta.member == m3" }
}
