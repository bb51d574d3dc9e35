Kind = "service-intentions"
Name = "intake"

Sources = [
  {
    # The collector of a machine that has joined adds lines of logs, metrics and spans. It reads none.
    Name = "collector"
    Permissions = [
      {
        Action = "allow"
        HTTP = {
          PathExact = "/internal/insert"
          Methods   = ["POST"]
        }
      },
      {
        Action = "allow"
        HTTP = {
          PathExact = "/api/v1/write"
          Methods   = ["POST"]
        }
      },
      {
        Action = "allow"
        HTTP = {
          PathExact = "/v1/traces"
          Methods   = ["POST"]
        }
      },
    ]
  },
]
