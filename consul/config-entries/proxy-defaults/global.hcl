Kind = "proxy-defaults"
Name = "global"

AccessLogs {
  Enabled = false # the services log each request themselves, with its id
}
