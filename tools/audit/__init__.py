"""`./just audit`: vulnerabilities of dependencies, faults in our code, secrets in the history."""
