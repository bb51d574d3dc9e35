"""The agents: Consul, Nomad, the proxy before their pages, and the supervisor of all three."""
