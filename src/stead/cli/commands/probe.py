"""``stead probe``: try every service now, from outside."""

from __future__ import annotations

import click

from stead import live
from stead.cli.here import Here, acting
from stead.cli.show import show_json, show_table, verdict
from stead.words.verdict import worst


@click.command()
@acting
def command(here: Here) -> int:
    """Probe the live server now, every service, from outside."""
    results = live.probe(here.home, here.settings)
    whole = worst(result.verdict for result in results)
    if here.json:
        probes = [
            {
                "name": r.name,
                "service": r.service,
                "verdict": r.verdict.value,
                "seconds": round(r.seconds, 3),
                "detail": r.detail,
            }
            for r in results
        ]
        show_json({"schema": 1, "verdict": whole.value, "probes": probes})
    else:
        rows = [(r.service, r.name, verdict(r.verdict), f"{r.seconds:.2f} s", r.detail) for r in results]
        show_table(("SERVICE", "PROBE", "VERDICT", "TIME", "DETAIL"), rows)
    return whole.exit_code
