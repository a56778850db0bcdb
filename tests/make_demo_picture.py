"""Turns what a terminal showed into a picture: ANSI text on standard input, SVG on standard output.

usage: script -qec 'target/release/tagwarden demo' /dev/stdout | python3 tests/make_demo_picture.py [FIRST [LAST]] > deploy/demo.svg

FIRST and LAST are the lines to show, from 1. The same text gives the same bytes.
"""
import re
import sys
from html import escape

SIZE, ADVANCE, LEADING, EDGE = 13, 7.83, 18, 16
COLOURS = {31: "#f47067", 33: "#daaa3f", 36: "#56d4dd"}
TOKEN = re.compile(r"\x1b\[([0-9;]*)m|\x1b\]8;;.*?\x1b\\|\x1b\[[0-9;?]*[A-Za-z]|\r")
PIECE = re.compile(r"\S+(?: \S+)*")


def runs(line):
    """Pieces of one line, each with the style in force: a dict of SVG attributes."""
    style, at = {}, 0
    for token in TOKEN.finditer(line):
        if token.start() > at:
            yield dict(style), line[at:token.start()]
        at = token.end()
        for code in [] if token.group(1) is None else [int(code or 0) for code in token.group(1).split(";")]:
            if code == 0:
                style = {}
            elif code == 1:
                style["font-weight"] = "bold"
            elif code == 2:
                style["fill"] = "#8b949e"
            elif code == 4:
                style["text-decoration"] = "underline"
            elif code in COLOURS:
                style["fill"] = COLOURS[code]
    if at < len(line):
        yield dict(style), line[at:]


def picture(lines):
    drawn = []
    columns = 0
    for row, line in enumerate(lines):
        column, spans = 0, []
        for style, text in runs(line):
            attributes = "".join(f' {name}="{value}"' for name, value in sorted(style.items()))
            # Every piece has its place and length, so that no font can push the columns about; pieces end where blanks do
            # more than part two words, because browsers fold those.
            for piece in PIECE.finditer(text):
                left, long = EDGE + (column + piece.start()) * ADVANCE, len(piece[0]) * ADVANCE
                spans.append(f'<tspan x="{left:.2f}" textLength="{long:.2f}"{attributes}>{escape(piece[0])}</tspan>')
            column += len(text)
        columns = max(columns, column)
        if spans:
            drawn.append(f'<text y="{EDGE + row * LEADING + SIZE}">{"".join(spans)}</text>')
    width, height = round(2 * EDGE + columns * ADVANCE), 2 * EDGE + len(lines) * LEADING
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
        "<title>A terminal that shows tagwarden demo</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
        f'<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="{SIZE}" fill="#e6edf3">',
        *drawn,
        "</g>",
        "</svg>",
    ]) + "\n"


if __name__ == "__main__":
    shown = sys.stdin.read().split("\n")
    shown = [line for line in shown if not line.startswith("Script ")]
    first, last = (int(word) for word in (sys.argv[1:] + ["1", str(len(shown))][len(sys.argv) - 1:])[:2])
    sys.stdout.write(picture(shown[first - 1:last]))
