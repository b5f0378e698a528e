"""``stead proofs``: what was proven, when and how."""

from __future__ import annotations

from typing import Any

import click

from stead.cli.here import Here, reading
from stead.cli.show import show_json, show_table, verdict
from stead.records import Proof, Records
from stead.words.errors import BAD_ANSWER, DONE, UsageError
from stead.words.quantities import say_duration, say_time


@click.group()
def command() -> None:
    """What was proven, when and how."""


@command.command("list")
@click.option("--kind", help="Only of this kind, such as drill or backup.")
@click.option("--last", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@reading
def list_(here: Here, kind: str | None, last: int) -> None:
    """List the latest proofs."""
    with Records(here.home.records) as records:
        found = records.proofs(kind, limit=last)
    if here.json:
        show_json({"schema": 1, "proofs": [_json(proof) for proof in found]})
    else:
        rows = [
            (
                str(p.id),
                say_time(p.at),
                p.kind,
                verdict(p.verdict),
                say_duration(p.seconds),
                str(p.evidence.get("reason") or ""),
            )
            for p in found
        ]
        show_table(("PROOF", "AT", "KIND", "VERDICT", "TIME", "REASON"), rows)


@command.command()
@click.argument("number", type=int)
@reading
def show(here: Here, number: int) -> None:
    """Show the proof NUMBER with all its evidence."""
    with Records(here.home.records) as records:
        proof = records.proof(number)
    if proof is None:
        raise UsageError(f"there is no proof {number}", hint="stead proofs list shows them")
    show_json({"schema": 1, **_json(proof), "evidence": proof.evidence})


@command.command()
@reading
def verify(here: Here) -> int:
    """Check that no stored proof was changed or taken out since it was written."""
    with Records(here.home.records) as records:
        altered = records.altered_proofs()
    if here.json:
        show_json({"schema": 1, "altered": list(altered)})
    elif altered:
        click.echo(f"Changed since they were written: {', '.join(map(str, altered))}")
    else:
        click.echo("Every stored proof is as it was written.")
    return BAD_ANSWER if altered else DONE


def _json(proof: Proof) -> dict[str, Any]:
    return {
        "id": proof.id,
        "kind": proof.kind,
        "verdict": proof.verdict.value,
        "at": say_time(proof.at),
        "seconds": proof.seconds,
        "reason": proof.evidence.get("reason"),
    }
