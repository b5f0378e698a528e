"""The command ``stead``: a table of verbs, each loaded only when it is called, so that looking stays fast."""

from __future__ import annotations

from importlib import import_module

import click

from stead import __version__
from stead.cli.here import home_option

#: Verb to one line for the owner; its module is ``stead.cli.commands.VERB`` (``-`` becomes ``_``).
VERBS = {
    "up": "From nothing to a proven server; again: bring it to what the settings say.",
    "down": "Stop the server; nothing is left mounted, running or firewalled.",
    "restart": "Stop the server and start it again.",
    "doctor": "Look at this computer: can it run a server, and what is in the way?",
    "remove": "Take Stead off this computer; data and places stay unless asked for by name.",
    "status": "Can you sleep? The sentence, services, proofs and findings.",
    "probe": "Probe the live server now, every service, from outside.",
    "user": "Accounts: add, remove, list, password.",
    "endpoints": "Where each protocol is reached, and the certificate authority's file.",
    "backup": "Backups: run, list, places, explain, prune, verify.",
    "place": "Places for copies: add, test, remove, list.",
    "drill": "Boot the newest backup in a sealed network and find out whether it really works.",
    "kit": "The recovery kit: write it, prove that you hold it, show what is in it.",
    "restore": "One thing back: a mail, a file, an entry, a user; nothing newer is overwritten.",
    "import": "Mail, calendars, contacts and files of another provider into an account here.",
    "export": "Everything of an account out again, in open formats.",
    "recover": "Everything back on a new computer, from nothing but the recovery kit.",
    "alerts": "Alarms: what is open, test every way, acknowledge, the weekly letter.",
    "site": "The personal web page: publish a folder.",
    "proofs": "What was proven, when and how: list, show, verify.",
    "logs": "The server's log.",
    "keeper": "The daemon that does the work, day and night.",
}
_HIDDEN = ("data-mount", "act")


class Verbs(click.Group):
    """The verbs, loaded lazily."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every verb the owner should know, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one verb."""
        if cmd_name not in VERBS and cmd_name not in _HIDDEN:
            return None
        command: click.Command = import_module(f"stead.cli.commands.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; a wrong one is answered with the nearest."""
        if args and self.get_command(ctx, args[0]) is None:
            import difflib  # noqa: PLC0415 - only mistakes need it

            near = difflib.get_close_matches(args[0], VERBS, 1)
            ctx.fail(f"there is no command {args[0]}" + (f"; did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@home_option
@click.version_option(__version__, prog_name="stead", message="%(prog)s %(version)s")
def root() -> None:
    """A personal server that does its own administration and proves it."""
