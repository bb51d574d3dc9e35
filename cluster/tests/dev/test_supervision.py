"""The configuration of a session's supervisor."""

import shlex
from configparser import ConfigParser
from pathlib import Path

from tasktracker_cluster.dev import environment, supervision
from tasktracker_cluster.site import Site


def test_the_supervisors_file_is_valid_with_special_characters_in_the_folder(site: Site) -> None:
    text = supervision.render(site, Path("/usr/bin/consul"))

    # As supervisor reads it: a semicolon behind a space begins a comment, % a reference.
    conf = ConfigParser(inline_comment_prefixes=(" ;",), strict=True)
    conf.read_string(text)
    assert conf["supervisord"]["pidfile"] == f"{site.run}/supervisord.pid"
    command = shlex.split(conf["program:consul"]["command"])
    assert command[-1] == f"-data-dir={site.home}/consul"
    script = shlex.split(conf["program:portal"]["command"])[-1]
    assert shlex.split(script)[1] == str(environment.path(site, "portal"))
