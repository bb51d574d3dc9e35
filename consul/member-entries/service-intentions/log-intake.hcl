Kind = "service-intentions"
Name = "log-intake"

Sources = [
  {
    # The collector of a machine that has joined adds lines. It reads none.
    Name = "collector"
    Permissions = [
      {
        Action = "allow"
        HTTP = {
          PathExact = "/internal/insert"
          Methods   = ["POST"]
        }
      },
    ]
  },
]
