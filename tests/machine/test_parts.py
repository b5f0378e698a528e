"""The small parts of the room that need no machine: names, plans, rules, layers, filters, ports, units."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from stead.machine import (
    firewall,
    free_port_shift,
    kept_port_shift,
    layers,
    naming,
    outside_address,
    ports,
    saved,
    units,
)
from stead.run import run
from stead.words.declaration import GUEST_UID_BASE, Egress, Port, TreeFile
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.machine import Bind, MachinePlan, NetworkKind

PORTS = (Port("smtp", 25, 8025), Port("https", 443, 8443))


def plan_of(home: Home, network: NetworkKind, *config: TreeFile, tree: Path = Path("/nowhere")) -> MachinePlan:
    return MachinePlan(
        home=home,
        name="live",
        tree=tree,
        config=config,
        binds=(Bind(Path("/d/mail"), "/data/mail", True),),
        network=network,
        ports=PORTS,
        egress=(Egress("postfix", "tcp", (25, 465)), Egress("unbound", "udp", (53,))),
        uids={"postfix": 610, "unbound": 619, "vmail": 614},
        gids={"tls": 622},
        sink_port=2525,
    )


def test_names_tell_homes_apart_and_fit_the_kernel(tmp_path: Path) -> None:
    one, two = Home.at(tmp_path / "1"), Home.at(tmp_path / "2")
    for network in (NetworkKind.LOCAL, NetworkKind.PUBLIC):
        links = [naming.link(home, name, network) for home in (one, two) for name in ("live", "r-123456")]
        assert len({link.interface for link in links}) == len({link.outside for link in links}) == 4
        assert all(len(link.interface) <= 15 for link in links)
    assert outside_address(one, "r-123456", NetworkKind.SEALED) == "198.18.0.1"
    assert outside_address(Home.default(), "live", NetworkKind.LOCAL).startswith("10.209.")


def test_a_plan_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    plan = plan_of(
        Home.at(tmp_path), NetworkKind.PUBLIC, TreeFile("/etc/a", b"\xff\0", 0o600), TreeFile("/b", link="a")
    )
    saved.save(plan, tmp_path / "x" / "plan.json")
    assert saved.load(tmp_path / "x" / "plan.json") == plan
    assert (tmp_path / "x" / "plan.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(SteadError, match="no machine plan"):
        saved.load(tmp_path / "none.json")


@pytest.mark.root
@pytest.mark.parametrize("network", list(NetworkKind))
def test_nft_takes_the_rules_and_says_the_same_twice(tmp_path: Path, network: NetworkKind) -> None:
    plan = plan_of(Home.at(tmp_path), network)
    link = naming.link(plan.home, plan.name, network)
    for rules in (
        firewall.inside_rules(plan, "t-live", link),
        firewall.outside_rules(plan, "t-live", link),
        firewall.outside_rules(plan, "t-live", link, ("eth0", "wlan0")),
    ):
        twice = "nft -f - && nft list ruleset"
        listed = {run(["unshare", "--net", "sh", "-c", twice], stdin=rules, timeout=10).out for _ in range(2)}
        assert len(listed) == 1


def test_sealed_rules_let_nothing_declared_out(tmp_path: Path) -> None:
    plan = plan_of(Home.at(tmp_path), NetworkKind.SEALED)
    link = naming.link(plan.home, plan.name, plan.network)
    both = firewall.inside_rules(plan, "t", link) + firewall.outside_rules(plan, "t", link)
    assert str(GUEST_UID_BASE + 619) not in both
    assert "masquerade" in both and "udp dport" not in both
    assert both.count(f"skuid {GUEST_UID_BASE + 610}") == 1


@pytest.mark.root
def test_configuration_lies_over_the_release_as_the_release_lies(tmp_path: Path) -> None:
    tree, layer = tmp_path / "tree", tmp_path / "layer"
    (tree / "usr/lib/x").mkdir(parents=True)
    (tree / "etc/private").mkdir(parents=True, mode=0o750)
    os.chown(tree / "etc/private", GUEST_UID_BASE + 610, GUEST_UID_BASE + 611)
    (tree / "lib").symlink_to("usr/lib")
    (tree / "etc/up").symlink_to("../../../usr")
    layer.mkdir()
    files = (
        TreeFile("/lib/x/file", b"1"),
        TreeFile("/etc/private/key", b"2", 0o640, "vmail", "tls"),
        TreeFile("/etc/up/lib/y", link="z"),
    )
    layers.write_config(plan_of(Home.at(tmp_path), NetworkKind.LOCAL, *files, tree=tree), layer)
    assert (layer / "usr/lib/x/file").read_bytes() == b"1"
    assert not (layer / "lib").exists() and os.readlink(layer / "usr/lib/y") == "z"
    key = (layer / "etc/private/key").stat()
    assert (key.st_uid, key.st_gid, key.st_mode & 0o777) == (GUEST_UID_BASE + 614, GUEST_UID_BASE + 622, 0o640)
    folder = (layer / "etc/private").stat()
    assert (folder.st_uid, folder.st_gid, folder.st_mode & 0o777) == (GUEST_UID_BASE + 610, GUEST_UID_BASE + 611, 0o750)
    with pytest.raises(SteadError, match="no service declares"):
        layers.write_config(plan_of(Home.at(tmp_path), NetworkKind.LOCAL, TreeFile("/q", owner="x"), tree=tree), layer)
    (tree / "etc/loop").symlink_to("loop")
    with pytest.raises(SteadError, match="too many links"):
        layers.write_config(plan_of(Home.at(tmp_path), NetworkKind.LOCAL, TreeFile("/etc/loop/a"), tree=tree), layer)


@pytest.mark.root
def test_the_filter_of_sockets_holds_for_children() -> None:
    code = (
        "import os, socket, subprocess, sys\n"
        "from stead.machine import seccomp\n"
        "seccomp.allow_families(socket.AF_UNIX, socket.AF_INET)\n"
        "sys.exit(os.spawnvp(os.P_WAIT, sys.executable, [sys.executable, '-c', sys.argv[1]]))\n"
    )
    tried = "import socket\nfor f in (1, 2, 10, 16, 40):\n"
    tried += "  try: socket.socket(f, 2); print(f)\n  except OSError as e: print(e.errno)"
    out = run([sys.executable, "-c", code, tried], env={"PYTHONPATH": ":".join(sys.path)}, timeout=20).out
    assert out.split() == ["1", "2", "97", "97", "97"]


@pytest.mark.root
def test_ports_in_use_move_a_home_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_CHOSEN", tmp_path / "chosen")
    home = Home.at(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert free_port_shift(home, (Port("x", 1, taken.getsockname()[1]),)) >= 1000
    assert free_port_shift(home, ()) == 0


@pytest.mark.root
def test_two_homes_that_are_made_at_once_choose_differently(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_CHOSEN", tmp_path / "chosen")
    one, two, three = (Home.at(tmp_path / name) for name in ("one", "two", "three"))
    for home in (one, two, three):
        home.lib.mkdir(parents=True)
    first = kept_port_shift(one, ())
    assert kept_port_shift(two, ()) not in (first, None) and kept_port_shift(one, ()) == first
    (one.lib / "port-shift.json").unlink()
    assert kept_port_shift(three, ()) == first, "a home that is gone keeps nothing from others"


def test_the_units_start_the_saved_plan_after_data() -> None:
    text = units.machine_unit(Home.default())
    assert "stead.machine.launch /var/lib/stead/live-plan.json" in text
    assert text.index("ExecStartPre=/usr/local/bin/stead data-mount") < text.index("ExecStart=/")
    assert "Delegate=yes" in text
    assert naming.unit(Home.default(), "live") == units.MACHINE_UNIT
