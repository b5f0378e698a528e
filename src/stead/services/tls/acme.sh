#!/bin/sh
# Ask the ACME authority for a certificate when there is none, it ends within 30 days, or a name has become known to DNS.
# Reads STEAD_NAMES (the main one first), STEAD_ACME_EMAIL and STEAD_ACME_DIRECTORY.
set -eu
umask 022
home=/data/acme/lego
# shellcheck disable=SC2086 # the names are words
set -- $STEAD_NAMES
host=$1
shift
certificate=$home/certificates/$host.crt

ask() {
    names=
    for name in "$@"; do names="$names --domains $name"; done
    # shellcheck disable=SC2086
    lego --accept-tos --email "$STEAD_ACME_EMAIL" --server "$STEAD_ACME_DIRECTORY" --path "$home" \
        --http --http.webroot /data/acme/webroot $names run
}

covers() {
    openssl x509 -in "$certificate" -noout -checkhost "$1" | grep -q 'does match'
}

# One name that leads nowhere would spoil the request for all: only those that DNS knows are asked for.
known=
missing=
for name in "$@"; do
    if getent ahosts "$name" >/dev/null; then
        known="$known $name"
        if [ -s "$certificate" ] && ! covers "$name"; then missing=yes; fi
    fi
done
if [ -s "$certificate" ] && openssl x509 -in "$certificate" -noout -checkend 2592000 >/dev/null && covers "$host"; then
    [ -n "$missing" ] || exit 0
    # Certificate authorities count failures: further names are tried once a day.
    if [ -n "$(find "$home/tried-names" -mmin -1440 2>/dev/null)" ]; then exit 0; fi
    touch "$home/tried-names"
    # shellcheck disable=SC2086
    ask "$host" $known
    exit
fi
touch "$home/tried-names"
# shellcheck disable=SC2086
ask "$host" $known || ask "$host"
