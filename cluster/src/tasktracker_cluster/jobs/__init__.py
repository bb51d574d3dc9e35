"""What Nomad runs: deploying jobs, and working with what runs."""
