# What a browser without a token may do: look. Neither variables nor files nor logs.

namespace "*" {
  policy = "read"
}

agent {
  policy = "read"
}

node {
  policy = "read"
}

host_volume "*" {
  policy = "read"
}
