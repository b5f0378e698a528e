"""What the web server is told for one boot: nginx.conf, and the files by which programs find their settings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from html import escape
from pathlib import Path

from stead.services.identity.dns import policy
from stead.services.tls import names_for
from stead.words.declaration import ConfigContext, Port, TreeFile

HTTPS = Port("https", 443, 8443)
HTTP = Port("http", 80, 8080)
# The mail service's ports; a test compares them with its declaration.
IMAPS = Port("imaps", 993, 8993)
SUBMISSIONS = Port("submissions", 465, 8465)

_HERE = Path(__file__).parent
_SHARE = "/usr/share/stead/web"
# Only names certified by ACME: a browser that has seen this refuses every other certificate for a year.
_HSTS = 'add_header Strict-Transport-Security "max-age=31536000" always;'
_MTA_STS = f"location = /.well-known/mta-sts.txt {{ types {{ }} default_type text/plain; alias {_SHARE}/mta-sts.txt; }}"


def config_files(context: ConfigContext) -> tuple[TreeFile, ...]:
    """The web service's configuration layer."""
    files = [
        TreeFile("/etc/nginx/nginx.conf", nginx_conf(context).encode()),
        TreeFile(f"{_SHARE}/config-v1.1.xml", autoconfig(context).encode()),
        TreeFile(f"{_SHARE}/security.txt", security_txt(context, datetime.now(UTC).date()).encode()),
    ]
    if context.public:
        files.append(TreeFile(f"{_SHARE}/mta-sts.txt", policy(context.hostname).encode()))
    return tuple(files)


def client_port(context: ConfigContext, port: Port) -> int:
    """The port as clients reach it."""
    return port.guest if context.public else port.local + context.port_shift


def nginx_conf(context: ConfigContext) -> str:
    """The whole configuration of nginx but for the services' own paths."""
    names = (f"[{name}]" if ":" in name else name for name in names_for(context.domain, context.hostname))
    port = client_port(context, HTTPS)
    text = (_HERE / "nginx.conf").read_text()
    for mark, value in {
        "@HOSTNAME@": context.hostname,
        "@NAMES@": "\n".join(f"        {name} {name};" for name in names),
        "@HTTPS_PORT@": "" if port == 443 else f":{port}",
        "@HSTS@": _HSTS if context.public else "# No HSTS with a certificate of our own authority.",
        "@MTA_STS@": _MTA_STS if context.public else "",
        # A kernel without IPv6 must not keep the web server from starting; machine and host share the kernel.
        "@IPV6@": "" if Path("/proc/net/if_inet6").exists() else "# ",
    }.items():
        text = text.replace(mark, value)
    return text


def autoconfig(context: ConfigContext) -> str:
    """Mozilla's settings file: Thunderbird and others read it to set up an account by its address alone."""
    host, domain = escape(context.hostname), escape(context.domain)
    base = f"https://{host}:{client_port(context, HTTPS)}"
    server = """    <{tag} type="{kind}">
      <hostname>{host}</hostname>
      <port>{port}</port>
      <socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </{tag}>
"""
    incoming = server.format(tag="incomingServer", kind="imap", host=host, port=client_port(context, IMAPS))
    outgoing = server.format(tag="outgoingServer", kind="smtp", host=host, port=client_port(context, SUBMISSIONS))
    dav = """  <{tag} type="{kind}">
    <username>%EMAILADDRESS%</username>
    <authentication>http-basic</authentication>
    <serverURL>{base}/calendar/</serverURL>
  </{tag}>
"""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<clientConfig version="1.1">\n  <emailProvider id="{domain}">\n'
        f"    <domain>{domain}</domain>\n    <displayName>{domain}</displayName>\n"
        f"    <displayShortName>{domain}</displayShortName>\n{incoming}{outgoing}  </emailProvider>\n"
        + dav.format(tag="addressBook", kind="carddav", base=base)
        + dav.format(tag="calendar", kind="caldav", base=base)
        + "</clientConfig>\n"
    )


def security_txt(context: ConfigContext, today: date) -> str:
    """Whom to tell about a weakness (RFC 9116). It is made again at each boot and says that it ends within a year."""
    ends = today.replace(day=1) + timedelta(days=330)
    return f"Contact: mailto:security@{context.domain}\nExpires: {ends:%Y-%m-%d}T00:00:00Z\n"
