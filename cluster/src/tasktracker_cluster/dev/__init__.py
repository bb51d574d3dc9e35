"""`./just dev`: the services in one terminal, with hot reload and without root.

supervisor (PyPI) runs the processes: of the process managers on PyPI only it restarts a killed one.
"""
