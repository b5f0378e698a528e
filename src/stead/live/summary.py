"""What ``stead up`` reached, told to the owner: where things are, who can log in, what was proven."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from stead.live.save import Saving
from stead.rehearsal import DrillReport
from stead.services.identity import DnsRecord
from stead.words.probe import ProbeResult
from stead.words.quantities import say_duration, say_size
from stead.words.verdict import Verdict, worst


@dataclass(frozen=True)
class UpSummary:
    """``savings`` is empty and ``drill`` None when they had been proven before. ``same_disk``: no copy is elsewhere."""

    name: str
    release: str
    endpoints: dict[str, str]
    accounts: tuple[str, ...]
    probes: tuple[ProbeResult, ...]
    savings: tuple[Saving, ...]
    drill: DrillReport | None
    same_disk: bool
    dns: tuple[DnsRecord, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of everything that was tried."""
        tried = [p.verdict for p in self.probes] + [s.verdict for s in self.savings]
        return worst([*tried, self.drill.verdict] if self.drill else tried)

    @property
    def exit_code(self) -> int:
        """The contract's code for the verdict."""
        return self.verdict.exit_code

    def to_json(self) -> dict[str, Any]:
        """The summary for programs (schema 1)."""
        return {
            "schema": 1,
            "verdict": self.verdict.value,
            "domain": self.name,
            "release": self.release,
            "endpoints": self.endpoints,
            "users": list(self.accounts),
            "probes": [{**asdict(p), "verdict": p.verdict.value} for p in self.probes],
            "backups": [{**asdict(s), "verdict": s.verdict.value} for s in self.savings],
            "drill": self.drill.to_json() if self.drill else None,
            "dns": [asdict(record) for record in self.dns],
        }

    def words(self) -> str:
        """The summary for people."""
        parts = [self._reached(), self._who(), self._proven()]
        if self.dns:
            parts.append(self._records())
        parts.append(self._next())
        return "\n\n".join(part for part in parts if part)

    def _reached(self) -> str:
        at = self.endpoints
        rows = [
            ("mail (IMAP over TLS)", at["imaps"]),
            ("sending mail", f"{at['submissions']} (TLS), {at['submission']} (STARTTLS)"),
            ("mail from other servers", at["smtp"]),
            ("calendar and contacts", at["caldav"]),
            ("files (WebDAV)", at["webdav"]),
            ("web page", at["web"]),
            ("to be trusted by your devices", at["ca_file"]),
        ]
        state = "is up" if self.verdict is Verdict.PASS else "is up, but not everything works"
        return f"Your server {self.name} {state}.\n" + "\n".join(f"  {words:30} {where}" for words, where in rows)

    def _who(self) -> str:
        if not self.accounts:
            return "Nobody can log in yet. Add yourself:\n  stead user add NAME"
        return "Who can log in: " + ", ".join(f"{name}@{self.name}" for name in self.accounts)

    def _proven(self) -> str:
        good = sum(p.verdict is Verdict.PASS for p in self.probes)
        lines = [f"  {good} of {len(self.probes)} capabilities, each tried from outside"]
        lines += [f"  NOT {p.name}: {p.detail}" for p in self.probes if p.verdict is not Verdict.PASS]
        for saving in self.savings:
            told = saving.reason or f"{saving.files} files, {say_size(saving.size)}, encrypted"
            lines.append(f"  backup to {saving.place}: {saving.verdict.value}, {told} ({say_duration(saving.seconds)})")
        if self.drill:
            lines.append(f"  drill: {self.drill.verdict.value}, {self._drilled(self.drill)}")
        return "Proven just now:\n" + "\n".join(lines)

    def _drilled(self, drill: DrillReport) -> str:
        if drill.reason:
            return drill.reason
        took = say_duration(drill.recovery_time_seconds or 0.0)
        return f"the backup was booted in a sealed network and everything was in it after {took}"

    def _records(self) -> str:
        return "DNS records to set where you bought the name:\n" + "\n".join(
            f"  {record.name}. {record.type} {record.value}\n      {record.why}" for record in self.dns
        )

    def _next(self) -> str:
        if self.same_disk:
            return (
                "The only copy lies on this computer's own disk and does not survive it. Add a place elsewhere:\n"
                "  stead place add\n"
                "`stead status` tells when you can sleep."
            )
        return "`stead status` tells whether you can sleep."
