"""The page to print: what to do on a new computer, and the whole kit as codes a telephone can read.

The kit is on it encrypted, never its passphrase: who finds the page in a drawer has nothing, who has both has all.
"""

from __future__ import annotations

import base64
import html
import io
import math
import os
from collections.abc import Sequence
from pathlib import Path

import segno
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from stead.backup import url_without_secrets
from stead.words.kit import Kit

#: Letters in one code: small enough to be read off paper by a telephone.
_IN_A_CODE = 900
_PER_PAGE, _ACROSS = 6, 2
_TITLE = "Recovery kit"
_STYLE = "body{font:11pt sans-serif;max-width:46em;margin:2em auto}figure{display:inline-block}img{width:75mm}"


def write_page(kit: Kit, sealed: str, file: Path) -> tuple[Path, Path]:
    """Write the page beside the kit ``file``, as HTML and as PDF; their paths. ``sealed`` is the kit's armored text."""
    steps, codes = first_steps(kit, file.name), codes_of(kit, sealed)
    page, printed = file.with_suffix(".html"), file.with_suffix(".pdf")
    _write(page, _html(kit, steps, codes).encode())
    _write(printed, _pdf(kit, steps, codes))
    return page, printed


def codes_of(kit: Kit, sealed: str) -> tuple[str, ...]:
    """The kit's text cut into numbered pieces, each as one code will say it; ``sealed.gather`` puts them together."""
    lines = sealed.splitlines(keepends=True)
    per_code = max(1, _IN_A_CODE // max(map(len, lines)))
    count = math.ceil(len(lines) / per_code)
    return tuple(
        f"STEAD {kit.id} {n + 1}/{count}\n{''.join(lines[n * per_code : (n + 1) * per_code])}" for n in range(count)
    )


def first_steps(kit: Kit, name: str) -> tuple[str, ...]:
    """What to do on a new computer, a sentence each."""
    where = "; ".join(f"{place.name}: {url_without_secrets(place.url)}" for place in kit.places)
    return (
        "Take an empty computer with Debian 12 or 13 and become root on it.",
        f"Get the program Stead (version {kit.program.get('version', '?')} or newer), as its README says.",
        f"Bring the file {name} there. If it is lost: scan the codes below with a telephone, one after the other, and "
        "put their texts into one file, in any order.",
        f"Run: ./stead recover {name}. It asks for the passphrase, which is not on this page, and says how long it "
        "will take and which DNS records to change.",
        "Without Stead: age -d opens the file, which holds addresses and passwords in plain words; "
        "restic (0.18 or newer) restores the copies with them.",
        f"The copies of {kit.domain} are at: {where}.",
    )


def _html(kit: Kit, steps: Sequence[str], codes: Sequence[str]) -> str:
    listed = "".join(f"<li>{html.escape(step)}</li>" for step in steps)
    drawn = "".join(
        f'<figure><img alt="code {n}" src="data:image/png;base64,{base64.b64encode(_png(code)).decode()}">'
        f"<figcaption>{n} of {len(codes)}</figcaption></figure>"
        for n, code in enumerate(codes, 1)
    )
    title = html.escape(f"{_TITLE} of {kit.domain}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{html.escape(_about(kit))}</p><ol>{listed}</ol>{drawn}</html>\n"
    )


def _about(kit: Kit) -> str:
    return (
        f"Kit {kit.id}, made {kit.made_at} on {kit.host}. Keep it outside of that computer, apart from its passphrase."
    )


def _pdf(kit: Kit, steps: Sequence[str], codes: Sequence[str]) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    canvas.setTitle(f"{_TITLE} of {kit.domain}")
    styles, top = getSampleStyleSheet(), A4[1] - 20 * mm
    lines = [(f"{_TITLE} of {kit.domain}", "Title"), (_about(kit), "BodyText")]
    lines += [(f"{n}. {step}", "BodyText") for n, step in enumerate(steps, 1)]
    for text, style in lines:
        paragraph = Paragraph(html.escape(text), styles[style])
        _, height = paragraph.wrap(A4[0] - 40 * mm, top)
        top -= height + 3 * mm
        paragraph.drawOn(canvas, 20 * mm, top)
    for number, code in enumerate(codes):
        if number % _PER_PAGE == 0:
            canvas.showPage()
        _draw(canvas, number, len(codes), code)
    canvas.save()
    return out.getvalue()


def _draw(canvas: Canvas, number: int, count: int, code: str) -> None:
    row, column = divmod(number % _PER_PAGE, _ACROSS)
    x, y = (20 + column * 88) * mm, A4[1] - (98 + row * 90) * mm
    canvas.drawImage(ImageReader(io.BytesIO(_png(code))), x, y, 80 * mm, 80 * mm)
    canvas.drawString(x, y - 4 * mm, f"{number + 1} of {count}")


def _png(code: str) -> bytes:
    out = io.BytesIO()
    segno.make(code, error="m", micro=False).save(out, kind="png", scale=4)
    return out.getvalue()


def _write(file: Path, content: bytes) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
