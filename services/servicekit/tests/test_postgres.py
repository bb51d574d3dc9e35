"""The PostgreSQL of the tests themselves."""

import subprocess
import sys

import psycopg2
import pytest

from servicekit.testing import postgres as server
from servicekit.testing.plugin import MakeDatabase


def test_every_database_is_a_new_one(make_database: MakeDatabase) -> None:
    assert make_database("same") != make_database("same")


def test_server_is_gone_after_a_failure() -> None:
    url = ""

    def fail_inside() -> None:
        nonlocal url
        with server.running() as url:
            psycopg2.connect(f"{url}/postgres").close()
            raise KeyError

    with pytest.raises(KeyError):
        fail_inside()
    with pytest.raises(psycopg2.OperationalError, match="refused"):
        psycopg2.connect(f"{url}/postgres")


def test_running_service_imports_no_testing_code() -> None:
    program = "import sys, servicekit.middleware, servicekit.migrate, servicekit.tokens;"
    program += "sys.exit('servicekit.testing' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
