"""`--trace`: the way of a run's requests through the cluster, hop by hop."""
