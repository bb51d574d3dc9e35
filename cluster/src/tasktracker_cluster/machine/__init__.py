"""The machine below the cluster: packages, programs, system users, folders, network."""
