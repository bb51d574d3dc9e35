"""Looking into the mesh: the sidecars that Consul knows, and requests inside and through it."""
