"""The machine's own name server (unbound): the only program in it that may ask other name servers."""

from __future__ import annotations

from pathlib import Path

from stead.services.template import enabled, rendered, static
from stead.words.declaration import ConfigContext, Egress, Service, ServiceUser, TreeFile

__all__ = ["SERVICE"]

_HERE = Path(__file__).parent


def _tree_files() -> tuple[TreeFile, ...]:
    return (*static(_HERE / "tree"), enabled("unbound.service"))


def _config_files(context: ConfigContext) -> tuple[TreeFile, ...]:
    return rendered(_HERE / "config", {"mode": _mode(context)})


def _mode(context: ConfigContext) -> str:
    if context.rehearsal:
        # A sealed network has nobody to ask: say so at once instead of finding out for each question.
        return '  local-zone: "." always_refuse'
    if not context.resolvers:
        return ""
    # A provider's resolver may strip signatures: mail must go on then (answers are just not marked as validated).
    addresses = "\n".join(f"  forward-addr: {address}" for address in context.resolvers)
    return f'  val-permissive-mode: yes\nforward-zone:\n  name: "."\n{addresses}'


SERVICE = Service(
    name="resolver",
    words="finds other computers by name, and checks the answers",
    packages=("unbound", "dns-root-data"),
    users=(ServiceUser("unbound", 619),),
    egress=(Egress("unbound", "udp", (53,)), Egress("unbound", "tcp", (53,))),
    units=("unbound.service",),
    tree_files=_tree_files,
    config_files=_config_files,
)
