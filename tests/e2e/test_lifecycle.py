"""`up`, `down`, `status`, `env` and `destroy`, and their errors."""

import json
import os
import shutil
import signal
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tasktracker_cluster.agents import certificates, supervisor
from tasktracker_cluster.machine import cni, processes, shell, wait
from tasktracker_cluster.testing.throwaway import PROGRAM, ThrowawayCluster, frozen

LIMIT_SECONDS = 180  # generous: a machine may be busy


def test_a_second_up_changes_nothing(cluster: ThrowawayCluster) -> None:
    before = cluster.running(), cluster.agent_pid("consul"), cluster.agent_pid("nomad")
    printed = cluster.admin("up").stdout
    assert "http://localhost:8000" in printed
    assert (cluster.running(), cluster.agent_pid("consul"), cluster.agent_pid("nomad")) == before


@pytest.mark.usefixtures("settled")
def test_status_shows_every_agent_and_job_healthy(cluster: ThrowawayCluster) -> None:
    rows = json.loads(cluster.admin("status", "--json").stdout)
    assert [row["name"] for row in rows] == [
        "consul", "nomad", "pages", "user-db", "task-db", "user-service", "task-service",
        "stats-service", "portal", "traefik", "store", "release", "user-db m1", "task-db m1",
    ]  # fmt: skip
    assert {row["health"] for row in rows} == {"passing"}
    *others, _, _ = rows
    assert {(row["running"], row["wanted"]) for row in others} == {(1, 1)}
    assert all(row["state"].startswith("leads on timeline ") for row in rows[-2:])


def test_env_lets_nomad_run_a_job_by_hand_and_holds_no_secret(cluster: ThrowawayCluster) -> None:
    printed = cluster.admin("env").stdout
    for token in cluster.site.secrets.iterdir():
        assert token.read_text().strip() not in printed
    commands = [
        "nomad job run -detach nomad/jobs/task-service.nomad.hcl",
        "nomad job plan -var name=task-db nomad/jobs/postgres.nomad.hcl",  # 0: it replaces nothing
        "consul members",
    ]
    result = subprocess.run(
        ["bash", "-euc", "\n".join([printed, *commands])],
        capture_output=True,
        text=True,
        cwd=cluster.site.checkout,
    )
    assert result.returncode == 0, result.stderr
    assert "node-1" in result.stdout


def test_down_and_up_keep_the_tasks(cluster: ThrowawayCluster) -> None:
    user = cluster.user("kim")
    user.run("task", "create", "Survive")
    cluster.admin("down")
    assert processes.of_site(cluster.site) == []
    user.run("task", "list", code=7)
    cluster.admin("up")
    assert [task["title"] for task in user.json("task", "list")] == ["Survive"]


@pytest.mark.drill
def test_up_gives_certificates_to_a_cluster_without_them(cluster: ThrowawayCluster) -> None:
    """Test a cluster of a version without certificates, or one whose authority is replaced."""
    user = cluster.user("nadia")
    user.run("task", "create", "Survive")
    old = certificates.authority(cluster.site)
    for name in ("authority", "consul", "nomad", "tools", "pages"):
        for file in certificates.paths(cluster.site, name):
            file.unlink()
    cluster.admin("up")
    assert certificates.authority(cluster.site) != old
    wait.until(
        "health", lambda: cluster.admin("doctor", check=False).returncode == 0, LIMIT_SECONDS
    )
    assert [task["title"] for task in user.json("task", "list")] == ["Survive"]


@pytest.mark.drill
def test_an_interrupted_up_is_completed_by_the_next(cluster: ThrowawayCluster) -> None:
    user = cluster.user("leo")
    user.run("task", "create", "Survive")
    cluster.admin("down")
    first = cluster.start_admin("up")
    wait.until("an agent", lambda: cluster.agent_pid("nomad") != 0, LIMIT_SECONDS)
    os.killpg(first.pid, signal.SIGINT)
    first.communicate(timeout=LIMIT_SECONDS)
    assert first.returncode == 130
    cluster.admin("up")
    assert [task["title"] for task in user.json("task", "list")] == ["Survive"]


def test_a_killed_supervisor_is_replaced_by_up(cluster: ThrowawayCluster) -> None:
    pid = int((cluster.site.run / "supervisord.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    wait.until("its end", lambda: not supervisor.is_running(cluster.site), LIMIT_SECONDS)
    before = cluster.running()
    cluster.admin("up")
    assert supervisor.is_running(cluster.site)
    assert cluster.running() == before, "tasks were adopted, not restarted"


@pytest.mark.drill
def test_down_works_after_the_supervisor_was_killed(cluster: ThrowawayCluster) -> None:
    os.kill(int((cluster.site.run / "supervisord.pid").read_text()), signal.SIGKILL)
    wait.until("its end", lambda: not supervisor.is_running(cluster.site), LIMIT_SECONDS)
    cluster.admin("down")
    assert processes.of_site(cluster.site) == []
    assert cni.networks(cni.allocations(cluster.site)) == set()
    assert "172.26." not in shell.run(["iptables-save"])  # the addresses of allocations
    cluster.admin("up")


@pytest.mark.drill
def test_up_shows_the_last_log_lines_of_a_job_that_does_not_become_healthy(
    cluster: ThrowawayCluster,
) -> None:
    # The public keys are invalid: the service refuses to start and logs the reason.
    path = "/v1/var/nomad%2Fjobs%2Fstats-service%2Fapi%2Fapp"
    good = cluster.nomad.call("GET", path)
    cluster.nomad.call("PUT", path, {**good, "Items": {"jwt_public_keys": "no set of keys"}})
    try:
        cluster.nomad.call("DELETE", "/v1/job/stats-service", no_shutdown_delay="true")
        result = cluster.admin("up", check=False)
        assert result.returncode == 1
        assert "JWT_PUBLIC_KEYS" in result.stderr
        assert "stats-service" in result.stderr
        assert "no set of keys" not in result.stderr
    finally:
        cluster.nomad.call("PUT", path, good)
        cluster.nomad.call("DELETE", "/v1/job/stats-service", no_shutdown_delay="true")
        cluster.admin("up")


@pytest.mark.drill
def test_up_names_a_taken_port_and_its_program(cluster: ThrowawayCluster) -> None:
    cluster.admin("down")
    with socket.socket() as taken:
        # Connections that Consul has closed may still be in TIME_WAIT.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 8500))
        taken.listen()
        result = cluster.admin("up", check=False)
    cluster.admin("up")
    assert result.returncode == 1
    assert "Port 8500" in result.stderr
    assert f"process {os.getpid()}" in result.stderr


def test_another_checkout_gets_the_name_of_the_clusters_checkout(
    cluster: ThrowawayCluster, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    good = cluster.site.owner_file.read_text()
    cluster.site.owner_file.write_text(json.dumps({"checkout": str(elsewhere)}) + "\n")
    try:
        for command in ("up", "down"):
            result = cluster.admin(command, check=False)
            assert result.returncode == 1
            assert str(elsewhere) in result.stderr
    finally:
        cluster.site.owner_file.write_text(good)


def test_up_without_root_shows_the_command_with_sudo(
    cluster: ThrowawayCluster, other: ThrowawayCluster
) -> None:
    result = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PROGRAM, "admin", "up"],
        env={**os.environ, "TASKTRACKER_HOME": str(other.home)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "sudo ./just up" in result.stderr


def test_a_folder_with_foreign_files_is_not_changed(other: ThrowawayCluster) -> None:
    other.home.mkdir()
    (other.home / "thesis.txt").write_text("precious")
    for command in (("up",), ("destroy", "--yes")):
        result = other.admin(*command, check=False)
        assert result.returncode == 1
        assert str(other.home) in result.stderr
    assert (other.home / "thesis.txt").read_text() == "precious"


@pytest.mark.drill
def test_lost_tokens_are_a_stale_state(cluster: ThrowawayCluster) -> None:
    cluster.admin("down")
    token = cluster.site.secrets / "nomad-management.token"
    saved = token.with_suffix(".saved")
    shutil.move(token, saved)
    result = cluster.admin("up", check=False)
    shutil.move(saved, token)
    cluster.admin("up")
    assert result.returncode == 1
    assert "nomad-management.token" in result.stderr
    assert "destroy" in result.stderr


def test_a_state_folder_with_a_long_name_is_refused(
    cluster: ThrowawayCluster, tmp_path: Path
) -> None:
    result = replace(cluster, home=tmp_path / ("x" * 40)).admin("up", check=False)
    assert result.returncode == 1
    assert "31 characters" in result.stderr


def test_a_full_disk_is_noticed_before_anything_is_started(other: ThrowawayCluster) -> None:
    other.home.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", other.home], check=True)
    try:
        result = other.admin("up", check=False)
    finally:
        subprocess.run(["umount", other.home], check=True)
    assert result.returncode == 1
    assert "free space" in result.stderr


def test_two_commands_at_once_are_refused(cluster: ThrowawayCluster) -> None:
    first = cluster.start_admin("up")
    assert first.stdout
    assert first.stdout.readline(), "its first step"
    with frozen(first.pid):  # else it may end before the other one asks for the lock
        result = cluster.admin("down", check=False)
    first.communicate(timeout=LIMIT_SECONDS)
    assert first.returncode == 0
    assert result.returncode == 1
    assert "is changing" in result.stderr


def test_destroy_asks_first(cluster: ThrowawayCluster) -> None:
    result = cluster.admin("destroy", check=False)  # standard input is empty: no answer
    assert result.returncode != 0
    assert cluster.site.owner_file.exists()


def test_status_without_a_cluster_shows_how_to_start_one(other: ThrowawayCluster) -> None:
    result = other.admin("status", check=False)
    assert result.returncode == 1
    assert "./just up" in result.stderr
