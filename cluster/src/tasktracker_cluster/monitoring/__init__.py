"""The state and the figures of agents and jobs, for `status` and `top`."""
