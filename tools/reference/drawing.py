# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the way of one call through the collection, from the tables below.

    make generate                               write the drawing, as a file and into the architecture guide
    python tools/reference/drawing.py --check   fail if either is not up to date

The documentation site takes no image files from a collection, so the guide has the SVG inline, in the colours of the page. The file brings its own
colours, for light and for dark.
"""

from __future__ import annotations

import re
import sys
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
FILE = "docs/images/architecture.svg"
GUIDE = "docs/docsite/rst/guide_architecture.rst"
WIDTH, HEIGHT = 780, 560
BOX_WIDTH, BOX_HEIGHT = 200, 66
# The x of the boxes in each column.
EDGE, ENGINE, OUTSIDE = 20, 290, 560
TITLE = "One call on its way through the collection"


class Box(NamedTuple):
    x: int
    y: int
    title: str
    lines: tuple[str, ...]
    dashed: bool = False


class Arrow(NamedTuple):
    """From one box to the next, with a label. `both`: something comes back the same way."""

    start: str
    end: str
    label: str
    both: bool = False


HEADINGS = ((EDGE, "Ansible", "plugins/plugin_utils"), (ENGINE, "Engine", "plugins/module_utils/auth"), (OUTSIDE, "Outside", "files and servers"))
BOXES = {
    "task": Box(EDGE, 70, "1  Task", ("rackcorp_api:", "cmd: device.getall")),
    "options": Box(EDGE, 180, "2  Options", ("_option_sources.py", "plain values, typed")),
    "provider": Box(ENGINE, 180, "3  Provider", ("providers/rackcorp.py", "identify, plan")),
    "broker": Box(ENGINE, 280, "4  Broker", ("broker.py", "one login for everybody")),
    "cache": Box(OUTSIDE, 280, "Cache", ("cache/", "encrypted files, Redis"), dashed=True),
    "http": Box(ENGINE, 380, "5  HTTP", ("http/session.py", "retries, TLS, proxies")),
    "api": Box(OUTSIDE, 380, "API", ("api.rackcorp.net",), dashed=True),
    "reply": Box(ENGINE, 480, "6  Reply", ("providers/rackcorp.py", "parse, next_page")),
    "result": Box(EDGE, 480, "7  Result", ("_action.py", "hide secrets, return")),
}
ARROWS = (
    Arrow("task", "options", "arguments"),
    Arrow("options", "provider", "values"),
    Arrow("provider", "broker", "account, call"),
    Arrow("broker", "cache", "token", both=True),
    Arrow("broker", "http", "request, token"),
    Arrow("http", "api", "HTTPS", both=True),
    Arrow("http", "reply", "response"),
    Arrow("reply", "result", "data"),
)
STYLE = """\
.apiauth-drawing text {fill: currentColor; font: 13px sans-serif}
.apiauth-drawing .title {font-weight: bold}
.apiauth-drawing .file {font-family: monospace; font-size: 12px}
.apiauth-drawing .label {font-size: 12px; font-style: italic}
.apiauth-drawing rect, .apiauth-drawing path {fill: none; stroke: currentColor; stroke-width: 1.3}
.apiauth-drawing .dashed {stroke-dasharray: 5 4}
.apiauth-drawing .head {fill: currentColor}"""
COLOURS = """
svg {color: #1f2328; background: #ffffff}
@media (prefers-color-scheme: dark) {svg {color: #e6edf3; background: #0d1117}}"""


def draw(colours: str = "") -> str:
    """Return the SVG. Without colours it has those of the page that holds it."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="apiauth-drawing" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" width="100%">'
    lines = [head, f"<title>{TITLE}</title>", f"<style>{STYLE}{colours}</style>"]
    for x, name, place in HEADINGS:
        lines += [text(x, 24, name, "title"), text(x, 42, place, "file")]
    for box in BOXES.values():
        dashed = ' class="dashed"' if box.dashed else ""
        lines.append(f'<rect x="{box.x}" y="{box.y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="7"{dashed}/>')
        lines.append(text(box.x + 12, box.y + 20, box.title, "title"))
        lines += [text(box.x + 12, box.y + 38 + 17 * number, line, "" if number else "file") for number, line in enumerate(box.lines)]
    for arrow in ARROWS:
        lines += connect(BOXES[arrow.start], BOXES[arrow.end], arrow)
    return "\n".join([*lines, "</svg>", ""])


def text(x: int, y: int, content: str, style: str = "", anchor: str = "") -> str:
    attributes = (f' class="{style}"' if style else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x}" y="{y}"{attributes}>{escape(content)}</text>'


def connect(start: Box, end: Box, arrow: Arrow) -> list[str]:
    """Return an arrow between two boxes, one below or beside the other, with its label."""
    if start.x == end.x:
        x, y1, y2 = start.x + BOX_WIDTH // 2, start.y + BOX_HEIGHT, end.y
        label = text(x + 8, (y1 + y2) // 2 + 4, arrow.label, "label")
        return [f'<path d="M{x} {y1}V{y2 - 7}"/>', tip(x, y2, 0, -1), label]
    rightwards = 1 if end.x > start.x else -1
    x1, x2 = (start.x + BOX_WIDTH, end.x) if rightwards > 0 else (start.x, end.x + BOX_WIDTH)
    y = start.y + BOX_HEIGHT // 2
    line = f'<path d="M{x1 + (7 * rightwards if arrow.both else 0)} {y}H{x2 - 7 * rightwards}"/>'
    tips = [tip(x2, y, -rightwards, 0), *([tip(x1, y, rightwards, 0)] if arrow.both else [])]
    return [line, *tips, text((x1 + x2) // 2, y - 7, arrow.label, "label", "middle")]


def tip(x: int, y: int, back_x: int, back_y: int) -> str:
    """Return the head of an arrow that ends at a point, and comes from the direction `back_x`, `back_y`."""
    corners = [(x + 9 * back_x + 4 * side * back_y, y + 9 * back_y + 4 * side * back_x) for side in (1, -1)]
    return f'<path class="head" d="M{x} {y}L{corners[0][0]} {corners[0][1]}L{corners[1][0]} {corners[1][1]}Z"/>'


def generate(root: Path = ROOT) -> dict[Path, str]:
    """Return the content of the file and of the guide."""
    guide = (root / GUIDE).read_text()
    inline = "".join(f"    {line}\n" for line in draw().splitlines())
    pattern = r"(?s)(\.\. BEGIN drawing[^\n]*\n\n\.\. raw:: html\n\n).*?(\n\.\. END drawing\n)"
    if not re.search(pattern, guide):
        raise SystemExit(f"{GUIDE} has no block for the drawing")
    return {root / FILE: draw(COLOURS), root / GUIDE: re.sub(pattern, lambda match: match[1] + inline + match[2], guide)}


def main() -> int:
    files = generate()
    outdated = [path for path, content in files.items() if not path.exists() or path.read_text() != content]
    if "--check" in sys.argv:
        for path in outdated:
            print(f"{path.relative_to(ROOT)} is not up to date: run make generate")
        return 1 if outdated else 0
    for path in outdated:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path])
    print(f"{len(outdated)} files written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
