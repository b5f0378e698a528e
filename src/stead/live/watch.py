"""Looking at the live machine: probe it, mark it, say where it is reached."""

from __future__ import annotations

from datetime import UTC, datetime

from stead import machine
from stead.records import Records
from stead.rehearsal import outside
from stead.rehearsal.assemble import target
from stead.settings import Settings
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.machine import Machine
from stead.words.probe import ProbeResult


def running(home: Home) -> Machine:
    """The live machine; SteadError when it is not up."""
    found = machine.find(home, "live")
    if found is None:
        raise SteadError("the server is not running", hint="start it: stead up")
    return found


def probe(home: Home, settings: Settings, *, patience: float = 0.0) -> tuple[ProbeResult, ...]:
    """Probe every service of the live machine through its published ports; the results are recorded.

    What fails is tried again for ``patience`` seconds.
    """
    live = running(home)
    results = outside.probe(target(home, settings, live), live.netns, patience=patience)
    with Records(home.records) as records:
        records.save_probes(results, datetime.now(UTC))
    return results


def mark(home: Home, settings: Settings) -> dict[str, str | None]:
    """Write a marker into every service of the live machine; service name to error (None: written)."""
    live = running(home)
    return outside.mark(target(home, settings, live), live.netns, datetime.now(UTC))


def endpoints(home: Home, settings: Settings) -> dict[str, str]:
    """Where each protocol is reached, as the contract names them, and the certificate authority's file."""
    live = running(home)
    addresses = {name: str(endpoint) for name, endpoint in live.endpoints.items()}
    port = live.endpoints["https"].port
    base = f"https://{settings.hostname}" + ("" if port == 443 else f":{port}")
    if not settings.public:
        base = f"https://127.0.0.1:{port}"
    addresses["http"] = f"http://{addresses['http']}"
    addresses |= {
        "https": f"{base}/",
        "web": f"{base}/",
        "caldav": f"{base}/calendar/",
        "carddav": f"{base}/calendar/",
        "webdav": f"{base}/files/",
        "ca_file": str(home.lib / "ca.pem"),
    }
    return addresses
