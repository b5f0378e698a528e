"""Can what lies in an S3 bucket be destroyed with our own key? Tried on a small object of our own, never on a copy.

Restic's way of deleting only hides a file in a bucket that keeps versions, so this asks for the version itself
(AWS: Deleting object versions; S3 Object Lock). Answers are read as status and headers only, never their body.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import requests
from requests_aws4auth import AWS4Auth

from stead.backup.place import Place, credentials, split_url
from stead.backup.troubles import PlaceRefuses, PlaceUnreachable

_PATIENCE = (10.0, 30.0)
#: Whoever may, may also set aside a lock in governance mode; an attacker would ask for it, so we do.
_BYPASS = {"x-amz-bypass-governance-retention": "true"}


@dataclass(frozen=True)
class Version:
    """One version of an object, by its key in the bucket. ``version`` empty: the bucket keeps none."""

    key: str
    version: str


def put(place: Place) -> Version:
    """Store a small object beside the repository's own folders, where restic never looks."""
    bucket = _Bucket(place)
    key, content = f"{bucket.prefix}stead-try/{secrets.token_hex(8)}", secrets.token_bytes(64)
    digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    answer = bucket.ask("PUT", key, content, {"Content-MD5": digest})
    if answer.status_code >= 300:
        raise PlaceRefuses(
            f"the place {place.name} refuses a small object of ours: status {answer.status_code}",
            hint="may its key write anything in the bucket?",
        )
    return Version(key, answer.headers.get("x-amz-version-id", ""))


def destroy(place: Place, version: Version) -> bool:
    """Try to delete a version for good; whether it is really gone."""
    bucket = _Bucket(place)
    which = {"versionId": version.version} if version.version not in ("", "null") else {}
    bucket.ask("DELETE", version.key, headers=_BYPASS, query=which)
    status = bucket.ask("HEAD", version.key, query=which).status_code
    if status in (200, 404):
        return status == 404
    raise PlaceRefuses(
        f"the place {place.name} does not say whether an object was deleted: status {status}",
        hint="may its key read anything in the bucket?",
    )


class _Bucket:
    """Signed requests to the bucket of a place, by paths (``https://server/bucket/key``)."""

    def __init__(self, place: Place) -> None:
        self._place, self._env = place, credentials(place)
        address = split_url(place.url)[0].removeprefix("s3:").removeprefix("//")
        if "://" not in address:
            address = "https://" + address
        scheme, _, rest = address.partition("://")
        server, _, path = rest.partition("/")
        name, _, prefix = path.strip("/").partition("/")
        self._base = f"{scheme}://{server}/{name}/"
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._region = self._env.get("AWS_DEFAULT_REGION") or self._env.get("AWS_REGION") or "us-east-1"

    def ask(
        self,
        method: str,
        key: str,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """One request; asked again in the region that the answer names."""
        answer = self._once(method, key, content, headers, query)
        region = answer.headers.get("x-amz-bucket-region", self._region)
        if region != self._region and answer.status_code in (301, 307, 400):
            self._region = region
            answer = self._once(method, key, content, headers, query)
        return answer

    def _once(
        self, method: str, key: str, content: bytes, headers: Mapping[str, str] | None, query: Mapping[str, str] | None
    ) -> requests.Response:
        signed = AWS4Auth(
            self._env.get("AWS_ACCESS_KEY_ID", ""),
            self._env.get("AWS_SECRET_ACCESS_KEY", ""),
            self._region,
            "s3",
            session_token=self._env.get("AWS_SESSION_TOKEN"),
        )
        try:
            with requests.request(
                method, self._base + key, params=query, data=content, headers=dict(headers or {}), auth=signed,
                timeout=_PATIENCE, allow_redirects=False, stream=True,
            ) as answer:  # fmt: skip
                return answer
        except requests.RequestException as trouble:
            raise PlaceUnreachable(
                f"the place {self._place.name} cannot be used: {type(trouble).__name__}",
                hint="is it switched on and connected?",
            ) from None
