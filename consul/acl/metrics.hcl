# The rights of the job that stores metrics: it reads those of the agents. The same right opens the agents'
# logs, so no other task and no anonymous caller has it.

agent_prefix "" {
  policy = "read"
}
