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
