# The rights of Patroni of user-db: its keys, and the session that holds the key of the leader.

key_prefix "service/user-db/" {
  policy = "write"
}

session_prefix "" {
  policy = "write"
}
