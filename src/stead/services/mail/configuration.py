"""What of the mail daemons' configuration depends on the owner's settings and on which machine this is."""

from __future__ import annotations

from pathlib import Path

from stead.services.identity.names import WATCH
from stead.services.template import rendered
from stead.words.declaration import ConfigContext, Relay, TreeFile

_HERE = Path(__file__).parent
_DEFAULT_MESSAGE_MB = 50
_DEFAULT_QUOTA_GB = 50
_ROLES = ("postmaster", "abuse", "hostmaster", "dmarc")

#: Options that ports 465 and 587 share: a login is needed, and the sender must belong to it.
_SUBMISSION = """\
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_sender_restrictions=reject_non_fqdn_sender,reject_sender_login_mismatch
  -o smtpd_discard_ehlo_keywords=etrn
"""


def config_files(context: ConfigContext) -> tuple[TreeFile, ...]:
    """Postfix, Dovecot and rspamd configured for one boot of one machine."""
    files = rendered(_HERE / "config", _values(context))
    relay = context.relay
    if relay is None or relay.user is None:
        return files
    line = f"{_relay_address(relay)} {relay.user}:{relay.password or ''}\n"
    return (*files, TreeFile("/etc/postfix/relay-password", line.encode(), 0o600))


def _values(context: ConfigContext) -> dict[str, str]:
    direct = context.relay is None and context.public
    megabytes = context.limits.get("message_mb", _DEFAULT_MESSAGE_MB)
    return {
        "domain": context.domain,
        "hostname": context.hostname,
        "sink": _sink(context),
        "outgoing": _outgoing(context),
        "dns_support": "dnssec" if direct else "enabled",
        "tls_out": "dane" if direct else "may",
        "message_bytes": str(megabytes * 1_000_000),
        "quota": f"{context.limits.get('quota_gb', _DEFAULT_QUOTA_GB)} G",
        "role_logins": _role_logins(context),
        "submission": _SUBMISSION,
        "watch": WATCH,
        "blocklists": "" if context.public and not context.rehearsal else "enabled = false;",
    }


def _sink(context: ConfigContext) -> str:
    address = f"ipv6:{context.outside}" if ":" in context.outside else context.outside
    return f"[{address}]:{context.sink_port}"


def _outgoing(context: ConfigContext) -> str:
    if context.rehearsal:
        # Everything for outside waits, at once and without a look at the network: a rehearsal never sends real mail.
        return "default_transport = retry:4.3.2 a rehearsal sends nothing\nrelay_transport = $default_transport"
    relay = context.relay
    if relay is None:
        return "relayhost ="
    lines = [f"relayhost = {_relay_address(relay)}", "smtp_tls_policy_maps = " + _relay_policy(relay)]
    if relay.port == 465:
        lines.append("smtp_tls_wrappermode = yes")
    if relay.user is not None:
        lines += [
            "smtp_sasl_auth_enable = yes",
            "smtp_sasl_password_maps = texthash:/etc/postfix/relay-password",
            "smtp_sasl_security_options = noanonymous",
            "smtp_sasl_tls_security_options = noanonymous",
        ]
    return "\n".join(lines)


def _relay_address(relay: Relay) -> str:
    return f"[{relay.host}]:{relay.port}"


def _relay_policy(relay: Relay) -> str:
    # A password never travels in the clear; without one we encrypt when the relay offers it.
    level = "may" if relay.user is None else "encrypt"
    return f"inline:{{ {{{_relay_address(relay)} = {level}}} }}"


def _role_logins(context: ConfigContext) -> str:
    if context.owner is None:
        return ""
    entries = " ".join(f"{{{role}@{context.domain} = {context.owner}}}" for role in _ROLES)
    return f", inline:{{ {entries} }}"
