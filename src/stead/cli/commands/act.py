"""``stead act``: the keeper's small acts, each run as a child of its own. Hidden: the owner has no need of them."""

from __future__ import annotations

from importlib import import_module

import click

from stead.cli.here import home_option, pass_here

#: Act to its module and function in ``stead.cli.acts``, loaded only when it is called.
ACTS = {
    "sweep": ("marking", "sweep"),
    "mark": ("marking", "mark"),
    "data": ("upkeep", "data_"),
    "picture": ("upkeep", "picture"),
    "imports": ("upkeep", "imports"),
    "tidy": ("upkeep", "tidy"),
    "look": ("judging", "look"),
    "kit": ("judging", "kit_"),
    "recover": ("coming_back", "recover_"),
    "revive": ("coming_back", "revive"),
    "alerts": ("telling", "alerts_"),
    "deadman": ("telling", "deadman"),
}


class Acts(click.Group):
    """The acts, loaded lazily."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every act."""
        return list(ACTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one act."""
        if cmd_name not in ACTS:
            return None
        module, function = ACTS[cmd_name]
        act = getattr(import_module(f"stead.cli.acts.{module}"), function)
        return click.command(cmd_name)(home_option(pass_here(act)))


@click.group(cls=Acts, hidden=True)
def command() -> None:
    """The keeper's small acts."""
