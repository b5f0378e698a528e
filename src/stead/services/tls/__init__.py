"""Certificates: an authority of our own in local mode, ACME (Debian's ``lego``) in public mode.

The contract for every daemon that speaks TLS, in both modes::

    certificate (with chain)   /run/stead-tls/server.pem   root:tls 0640
    private key                /run/stead-tls/server.key   root:tls 0640
    unit order                 After=stead-certificate.service, Wants=stead-certificate.service

The guest's oneshot ``stead-certificate.service`` puts the right pair there at boot and whenever one changes (ACME's if
there is a valid one, else the one of our own authority from /data/tls), and then reloads nginx, postfix and dovecot
without dropping connections. Nobody reads /data/tls or /data/acme directly. A daemon that does not start as root needs
the supplementary group ``tls`` (gid 622).
"""

from __future__ import annotations

from pathlib import Path

from stead.services.tls.certificate import ISSUER, ca_file, ensure_certificate, names_for, trusted
from stead.words.declaration import ConfigContext, DataFolder, Egress, Saved, Service, ServiceUser, TreeFile

__all__ = ["ISSUER", "SERVICE", "ca_file", "ensure_certificate", "names_for", "trusted"]

_HERE = Path(__file__).parent
_UNITS = "/etc/systemd/system"
_LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"


def _tree_files() -> tuple[TreeFile, ...]:
    certificate = tuple(f"stead-certificate.{kind}" for kind in ("service", "path", "timer"))
    units = (*certificate, "stead-acme.service", "stead-acme.timer")
    wanted = (*certificate, "stead-acme.timer")
    return (
        *(TreeFile(f"{_UNITS}/{name}", (_HERE / name).read_bytes()) for name in units),
        *(TreeFile(f"{_UNITS}/multi-user.target.wants/{name}", link=f"{_UNITS}/{name}") for name in wanted),
        *(TreeFile(f"/usr/lib/stead/{n}", (_HERE / f"{n}.sh").read_bytes(), 0o755) for n in ("certificate", "acme")),
    )


def _config_files(context: ConfigContext) -> tuple[TreeFile, ...]:
    files = [TreeFile("/etc/stead/tls.env", f"STEAD_HOSTNAME={context.hostname}\n".encode())]
    if context.public and not context.rehearsal:
        names = [name for name in names_for(context.domain, context.hostname) if name.endswith(context.domain)]
        lines = (
            f'STEAD_NAMES="{" ".join(names)}"',
            f"STEAD_ACME_EMAIL={context.acme_email or f'hostmaster@{context.domain}'}",
            f"STEAD_ACME_DIRECTORY={context.acme_directory or _LETS_ENCRYPT}",
        )
        files.append(TreeFile("/etc/stead/acme.env", "".join(f"{line}\n" for line in lines).encode()))
    return tuple(files)


SERVICE = Service(
    name="tls",
    words="certificates for all encrypted connections",
    packages=("lego", "openssl"),
    groups={"tls": 622},
    users=(ServiceUser("acme", 621),),
    folders=(
        DataFolder(
            "tls", "root", 0o755, writable=False, why="the certificate of our own authority; the host renews it"
        ),
        DataFolder("acme/lego", "acme", 0o700, why="the ACME account and its certificates"),
        DataFolder("acme/webroot", "acme", 0o755, saved=Saved.NO, why="answers to challenges, for seconds only"),
    ),
    egress=(Egress("acme", "tcp", (443,)),),
    units=("stead-certificate.path",),
    tree_files=_tree_files,
    config_files=_config_files,
)
