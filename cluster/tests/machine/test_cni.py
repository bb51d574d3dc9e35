"""machine.cni: the networks of allocations that ended without Nomad, made by the real plugins."""

import base64
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasktracker_cluster.machine import cni, network, shell
from tasktracker_cluster.site import Site
from tasktracker_cluster.testing.namespaces import network_namespace

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make networks")

SUBNET = "172.26.64.0/20"
PORTS = {"portMappings": [{"HostPort": 20001, "ContainerPort": 9102, "Protocol": "tcp"}]}


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Move to a network without rules, with lists of its own."""
    monkeypatch.setattr(cni, "ADDRESSES", tmp_path / "cni" / "nomad")
    monkeypatch.setattr(cni, "RECORDS", tmp_path / "results")
    with network_namespace():
        yield


@pytest.fixture
def allocation(site: Site) -> Iterator[str]:
    """Give the id of an allocation with a network, of which nothing is left at the end."""
    made = make(site)
    yield made
    cni.remove(site)
    assert cni.networks({made}) == set()


def settings() -> dict[str, Any]:
    """Return what Nomad gives to the plugins."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": SUBNET}]],
        "dataDir": str(cni.ADDRESSES.parent),
    }
    return {
        "cniVersion": "0.4.0",
        "name": "nomad",
        "plugins": [
            {"type": "loopback"},
            {
                "type": "bridge",
                "bridge": network.ALLOCATIONS_INTERFACE,
                "ipMasq": True,
                "isGateway": True,
                "ipam": addresses,
            },
            {"type": "firewall", "backend": "iptables", "iptablesAdminChainName": "NOMAD-ADMIN"},
            {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
        ],
    }


def make(site: Site) -> str:
    """Make an allocation's network as Nomad does, and the record of it."""
    allocation = str(uuid.uuid4())
    (site.home / "nomad" / "alloc" / allocation).mkdir(parents=True)
    shell.run(["ip", "netns", "add", allocation])
    common = settings()
    result: dict[str, Any] = {}
    for plugin in common["plugins"]:
        own = {**plugin, "name": common["name"], "cniVersion": common["cniVersion"]}
        if result:
            own["prevResult"] = result
        if "capabilities" in plugin:
            own["runtimeConfig"] = PORTS
        result = json.loads(
            shell.run(
                [cni.PLUGINS / plugin["type"]],
                stdin=json.dumps(own),
                env={
                    "CNI_COMMAND": "ADD",
                    "CNI_CONTAINERID": allocation,
                    "CNI_NETNS": str(cni.NAMESPACES / allocation),
                    "CNI_IFNAME": "eth0",
                    "CNI_PATH": str(cni.PLUGINS),
                },
            )
        )
    record = {
        "containerId": allocation,
        "config": base64.b64encode(json.dumps(common).encode()).decode(),
        "ifName": "eth0",
        "netns": str(cni.NAMESPACES / allocation),
        "capabilityArgs": PORTS,
        "result": result,
    }
    cni.RECORDS.mkdir(exist_ok=True)
    (cni.RECORDS / f"nomad-{allocation}-eth0").write_text(json.dumps(record))
    return allocation


def rules() -> str:
    return shell.run(["iptables-save"])


def test_nothing_of_a_network_is_left(site: Site, allocation: str) -> None:
    assert allocation in rules()
    assert cni.networks({allocation}) == {allocation}
    (address,) = cni.addresses({allocation}).values()
    cni.remove(site)
    assert cni.networks({allocation}) == set()
    assert not address.exists()
    assert allocation not in rules()
    assert address.name not in rules()


def test_after_a_restart_of_the_machine_only_the_record_is_there(
    site: Site, allocation: str
) -> None:
    shell.run(["ip", "netns", "delete", allocation])
    (address,) = cni.addresses({allocation}).values()
    address.unlink()
    cni.remove(site)
    assert cni.networks({allocation}) == set()


def test_a_network_that_was_not_completed_is_removed(site: Site, allocation: str) -> None:
    (record,) = cni.RECORDS.glob(f"*-{allocation}-*")
    record.unlink()
    cni.remove(site)
    assert cni.networks({allocation}) == set()


@pytest.mark.parametrize("content", ["", '{"containerId": "', "\0" * 512])
def test_a_record_that_a_loss_of_power_has_damaged_is_no_obstacle(
    site: Site, allocation: str, content: str
) -> None:
    (record,) = cni.RECORDS.glob(f"*-{allocation}-*")
    record.write_text(content)
    cni.remove(site)
    assert cni.networks({allocation}) == set()


def test_the_plugins_find_iptables_without_the_systems_folders_in_path(
    site: Site, allocation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # as after `su` without `-`
    cni.remove(site)
    assert allocation not in rules()


def test_the_networks_of_another_cluster_stay(site: Site, allocation: str, tmp_path: Path) -> None:
    other = Site(home=tmp_path / "other", checkout=site.checkout)
    cni.remove(other)
    assert cni.networks({allocation}) == {allocation}
    assert allocation in rules()


def test_nomads_rule_ends_with_its_interface(allocation: str) -> None:
    rule = ["-d", SUBNET, "-o", network.ALLOCATIONS_INTERFACE, "-j", "ACCEPT"]
    shell.run(["iptables", "-A", "NOMAD-ADMIN", *rule])
    shell.run(["iptables", "-A", "NOMAD-ADMIN", "-o", "nomad", "-j", "ACCEPT"])  # another Nomad's
    network.remove_interfaces()
    left = rules()
    assert network.ALLOCATIONS_INTERFACE not in left
    assert "-o nomad" in left
