"""The recovery kit: what the owner keeps outside, enough to get everything back. Its content is secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

#: Raised when the content changes so that an older program could not read it.
SCHEMA = 1


@dataclass(frozen=True)
class KitPlace:
    """One place as a new computer needs it: its address with everything that opens it.

    ``repository`` is the id that must be found there; ``credentials`` are ``NAME=value`` pairs of its backend.
    """

    name: str
    url: str
    password: str = field(repr=False)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    repository: str | None = None


@dataclass(frozen=True)
class Kit:
    """Everything in a kit. ``made_at`` is RFC 3339; ``settings`` is the text of ``stead.toml``.

    ``secrets`` are files of the host's secrets folder (path in it, to base64), such as the own authority's key:
    without it every mail program would have to be told anew whom to trust. ``keys`` are the domain's keys and DNS
    records as text (DKIM), by name. ``program`` says which program made it (version, where to get it).
    """

    id: str
    made_at: str
    host: str
    domain: str
    settings: str
    places: tuple[KitPlace, ...]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    program: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The content as it is encrypted."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Kit:
        """The content as it was decrypted. ValueError: made by a newer program; KeyError, TypeError: no kit."""
        if raw["schema"] != SCHEMA:
            raise ValueError(f"schema {raw['schema']}")
        held = {name: value for name, value in raw.items() if name != "schema"}
        return cls(**{**held, "places": tuple(KitPlace(**place) for place in raw["places"])})
