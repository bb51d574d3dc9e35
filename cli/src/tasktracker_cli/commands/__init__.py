"""The commands of the command line.

A module with one command, or with the commands of a group, has the name of that command or group.
A module with several commands of `task` has a name of its own, as have the modules of helpers.
"""
