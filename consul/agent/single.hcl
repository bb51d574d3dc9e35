# Added when one machine is the whole cluster: nothing listens beyond it, so its own address may change.

bootstrap_expect = 1
bind_addr        = "127.0.0.1"
advertise_addr   = "127.0.0.1"
