"""What runs and how it fares, for `status` and `top`."""
