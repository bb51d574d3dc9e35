# For a cluster of one machine: it listens on loopback only, so the machine's address may change.

bootstrap_expect = 1
bind_addr        = "127.0.0.1"
advertise_addr   = "127.0.0.1"
