#!/bin/sh
# Put the right certificate and key at /run/stead-tls: ACME's if it is valid for our name, else our own authority's.
# Runs at boot and whenever one of them changes. A pair whose halves do not (yet) belong together is passed over.
set -eu
umask 027
place=/run/stead-tls
new=$place/pair.$$
trap 'rm -rf "$place/pair.$$" "$place/next"' EXIT

# take CERTIFICATE KEY: the pair, read once into a folder of ours, and checked there. Keys pass through openssl, so that
# a link planted at KEY brings nothing but a key that fits.
take() {
    rm -rf "$new"
    mkdir "$new"
    [ -f "$1" ] && [ -f "$2" ] || return 1
    sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p' "$1" >"$new/server.pem" || return 1
    openssl pkey -in "$2" -out "$new/server.key" 2>/dev/null || return 1
    chmod 0640 "$new/server.key"
    [ "$(openssl x509 -in "$new/server.pem" -noout -pubkey 2>/dev/null)" = "$(openssl pkey -in "$new/server.key" -pubout)" ]
}

is_current() {
    openssl x509 -in "$new/server.pem" -noout -checkend 3600 >/dev/null || return 1
    openssl x509 -in "$new/server.pem" -noout -checkhost "$STEAD_HOSTNAME" | grep -q 'does match'
}

lego=/data/acme/lego/certificates/$STEAD_HOSTNAME

# seen: what pairs are made of, as it lies there now.
seen() {
    stat -c '%n %i %s %.Y' /data/tls/server.pem "$lego.crt" "$lego.key" 2>/dev/null || true
}

# put: the pair that was taken becomes the one in use.
put() {
    if cmp -s "$new/server.pem" "$place/current/server.pem" && cmp -s "$new/server.key" "$place/current/server.key"; then
        return
    fi
    old=$(readlink "$place/current" || true)
    kept=pair-$(openssl x509 -in "$new/server.pem" -noout -fingerprint -sha256 | tr -dc '[:xdigit:]' | tail -c 16).$$
    mv "$new" "$place/$kept"
    ln -s "$kept" "$place/next"
    mv -T "$place/next" "$place/current"
    for file in server.pem server.key; do
        [ -L "$place/$file" ] || ln -s "current/$file" "$place/$file"
    done
    if [ -n "$old" ]; then
        rm -rf "${place:?}/$old"
        systemctl --no-block try-reload-or-restart nginx.service postfix.service dovecot.service
    fi
}

# systemd forgets what changes while we run, and we are started by the first of several changes: so we look again.
for _ in 1 2 3 4 5 6 7 8 9 10; do
    before=$(seen)
    found=yes
    if take "$lego.crt" "$lego.key" && is_current; then
        echo "the certificate is ACME's"
    elif take /data/tls/server.pem /data/tls/server.pem; then
        echo "the certificate is our own authority's"
    else
        found=
    fi
    [ -z "$found" ] || put
    [ "$(seen)" != "$before" ] || break
done
if [ -z "$found" ]; then
    echo "<3>there is no usable certificate in /data/tls" >&2
    exit 1
fi
