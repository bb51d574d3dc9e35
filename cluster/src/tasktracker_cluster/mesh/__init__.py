"""The mesh: the sidecars in Consul's catalog, and requests inside and through the mesh."""
