"""Read CalDAV, CardDAV and WebDAV accounts (RFC 4791, RFC 6352, RFC 4918). Runs only in the reader."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from email.utils import mktime_tz, parsedate_tz
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from stead.exchange.archives import safe_parts
from stead.exchange.dav import CAL, CARD, DAV, Dav, Resource, same
from stead.exchange.items import LONGEST
from stead.exchange.letters import Broken

if TYPE_CHECKING:
    from stead.exchange.sending import Sender

_AT_ONCE = 50
_DEEPEST = 60
_LISTED = "<d:resourcetype/><d:displayname/>"
_CALENDAR = {"report": "c:calendar-multiget", "data": "c:calendar-data", "found_in": f"{CAL}calendar-data"}
_BOOK = {"report": "a:addressbook-multiget", "data": "a:address-data", "found_in": f"{CARD}address-data"}


def read_calendars(account: dict[str, Any], trust: ssl.SSLContext, sender: Sender) -> None:
    """Send every entry of every calendar."""
    link = Dav(account, trust)
    for calendar in _collections(link, account, f"{CAL}calendar", "c:calendar-home-set", f"{CAL}calendar-home-set"):
        name = calendar.text(f"{DAV}displayname") or _last(calendar.path)
        for path, content in _members(link, calendar, sender, **_CALENDAR):
            sender.calendar(content, name, path, named=True)


def read_contacts(account: dict[str, Any], trust: ssl.SSLContext, sender: Sender) -> None:
    """Send every card of every address book."""
    link = Dav(account, trust)
    home = f"{CARD}addressbook-home-set"
    for book in _collections(link, account, f"{CARD}addressbook", "a:addressbook-home-set", home):
        name = book.text(f"{DAV}displayname") or _last(book.path)
        for path, content in _members(link, book, sender, **_BOOK):
            sender.contacts(content, path, book=name)


def read_files(account: dict[str, Any], trust: ssl.SSLContext, sender: Sender) -> None:
    """Send every file below the account's path, with its folders."""
    link = Dav(account, trust)
    top = account["path"].rstrip("/") + "/"
    waiting, seen = [(top, 0)], {unquote(top)}
    while waiting:
        folder, depth = waiting.pop()
        for found in link.properties(folder, "<d:resourcetype/><d:getlastmodified/>", depth=1):
            inside = unquote(found.path)
            if same(found.path, folder) or inside in seen or not inside.startswith(unquote(top)):
                continue
            seen.add(inside)
            if not found.has_type(f"{DAV}collection"):
                _file(link, found, inside.removeprefix(unquote(top)), sender)
            elif depth < _DEEPEST:
                waiting.append((found.path, depth + 1))
            else:
                sender.lost(inside, account["host"], "it lies too deep")


def _file(link: Dav, found: Resource, path: str, sender: Sender) -> None:
    try:
        parts = safe_parts(path)
        when = parsedate_tz(found.text(f"{DAV}getlastmodified"))
        whole = f"{sender.into}/{'/'.join(parts)}" if sender.into else "/".join(parts)
        with link.get(found.path) as read:
            sender.file(whole, read, float(mktime_tz(when)) if when else 0.0)
    except Broken as why:
        sender.lost(path, found.path, str(why))


def _collections(link: Dav, account: dict[str, Any], kind: str, wanted: str, home: str) -> Iterator[Resource]:
    """The collections of a kind: the one the owner named, or all in the home of the account."""
    path = account["path"]
    here = _first(link.properties(path, f"{_LISTED}<d:current-user-principal/><{wanted}/>", depth=0))
    if here.has_type(kind):
        yield here
        return
    place = here.href(home)
    if place is None:
        principal = here.href(f"{DAV}current-user-principal") or _well_known(link, account["kind"])
        place = _first(link.properties(link.enter(principal), f"<{wanted}/>", depth=0)).href(home)
    there = link.enter(place) if place else path
    found = [r for r in link.properties(there, _LISTED, depth=1) if r.has_type(kind)]
    if not found:
        raise Broken(f"nothing of the kind is found at {there}")
    yield from found


def _well_known(link: Dav, kind: str) -> str:
    try:
        found = _first(link.properties(f"/.well-known/{kind}", "<d:current-user-principal/>", depth=0))
    except Broken:
        found = _first(link.properties("/", "<d:current-user-principal/>", depth=0))
    principal = found.href(f"{DAV}current-user-principal")
    if principal is None:
        raise Broken("the server does not say where the account is: name its address with the path")
    return principal


def _members(
    link: Dav, folder: Resource, sender: Sender, *, report: str, data: str, found_in: str
) -> Iterator[tuple[str, bytes]]:
    """Path and content of everything in a collection: many at once, what is missing then one by one."""
    listed = link.properties(folder.path, "<d:getetag/><d:resourcetype/>", depth=1)
    paths = [r.path for r in listed if not same(r.path, folder.path) and not r.has_type(f"{DAV}collection")]
    for start in range(0, len(paths), _AT_ONCE):
        portion = paths[start : start + _AT_ONCE]
        hrefs = "".join(f"<d:href>{escape(path)}</d:href>" for path in portion)
        body = f"<{report} {{names}}><d:prop><d:getetag/><{data}/></d:prop>{hrefs}</{report}>"
        try:
            got = {unquote(r.path): r.text(found_in) for r in link.report(folder.path, body)}
        except Broken:
            got = {}
        for path in portion:
            text = got.get(unquote(path))
            content = text.encode() if text else _alone(link, path, folder, sender)
            if content is not None:
                yield path, content


def _alone(link: Dav, path: str, folder: Resource, sender: Sender) -> bytes | None:
    try:
        with link.get(path) as read:
            return read(LONGEST)
    except Broken as why:
        sender.lost(_last(path), folder.path, str(why))
        return None


def _first(found: list[Resource]) -> Resource:
    if not found:
        raise Broken("the server's answer is empty")
    return found[0]


def _last(path: str) -> str:
    return unquote(path.rstrip("/").rpartition("/")[2])
