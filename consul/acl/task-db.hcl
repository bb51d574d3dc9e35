# The rights of Patroni of task-db: its keys, and the session that holds the key of the leader.

key_prefix "service/task-db/" {
  policy = "write"
}

session_prefix "" {
  policy = "write"
}
