"""`./just dev`: the services by hand in one terminal, with hot reload and without root.

supervisor (PyPI) runs the processes: of those at hand it alone starts a killed one again.
"""
