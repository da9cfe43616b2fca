# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as a picture: a bar for each comparison, by gnuplot."""

import shutil
import subprocess

from hosts import Failed

COLOURS = {"peer": "#4878a8", "limit": "#e0a030"}
MET, MISSED = "#208020", "#c02020"
# Pixels: of a line, and of what is above and below them all.
LINE, FRAME = 17, 130
# What the axis shows at least, and at most: what is beyond ends there.
LOW, HIGH = (0.25, 0.1), (8, 64)


def quoted(text):
    """A label of gnuplot, in which nothing is markup or a format (a percent sign)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "percent") + '"'


def figure(ratio):
    return f"{ratio:.2f}" if abs(ratio) >= 0.1 else f"{ratio:.1g}"


def axis(ratios):
    """From where to where."""
    low = max(LOW[1], min([LOW[0], *(ratio * 0.9 for ratio in ratios)]))
    high = min(HIGH[1], max([HIGH[0], *ratios]))
    # Room for the figures, which stand in a column of their own.
    return low, high, high * (high / low) ** 0.12


def lines(results):
    """What stands below each other: titles of tables, and their comparisons."""
    title = None
    for one in results:
        if one["ratio"] is None or one["role"] == "variant":
            continue
        if one["title"] != title:
            title = one["title"]
            yield title, None
        yield one["against"], one


def block(name, rows):
    """Data for gnuplot, which wants at least one row: one that is not to be seen."""
    return [f"${name} << END", *(rows or ["NaN NaN NaN NaN NaN NaN"]), "END"]


def script(results):
    placed = list(enumerate(lines(results)))
    drawn = [(place, one) for place, (_, one) in placed if one]
    height = LINE * len(placed) + FRAME
    low, high, end = axis([one["ratio"] for _, one in drawn])
    tics = ", ".join(f"{quoted(text if one else text.upper()[:1] + text[1:])} {place}"
                     for place, (text, one) in placed)
    out = []
    for role in COLOURS:
        out += block(role, [f"1 {place} {min(1, max(low, one['ratio']))} {max(1, min(high, one['ratio']))} "
                            f"{place - 0.36} {place + 0.36}" for place, one in drawn if one["role"] == role])
    for name, met in ("met", True), ("missed", False):
        out += block(name, [f"{one['target']} {place - 0.5} 0 1 0 0" for place, one in drawn
                            if one["target"] is not None and one["met"] == met])
    out += block("figures", [f'{end * 0.97} {place} "{figure(one["ratio"])}"' for place, one in drawn])
    out += [
        f"set terminal svg size 1500,{height} noenhanced font 'sans-serif,12' background '#ffffff'",
        "set title 'Sallyport to its peers and to the limit; above 1 is better for Sallyport'",
        "set logscale x", f"set xrange [{low}:{end}]", f"set yrange [{len(placed) - 0.3}:-0.7]",
        "set xtics (0.1, 0.25, 0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 8, 16, 32, 64) mirror",
        "set grid xtics lc '#dddddd'", f"set ytics ({tics}) nomirror scale 0",
        "set key outside bottom left horizontal width -4 samplen 1.5", "set style fill solid noborder",
        "set arrow from 1, graph 0 to 1, graph 1 nohead lc '#404040'",
        *(f"set arrow from graph 0, first {place - 0.5} to graph 1, first {place - 0.5} nohead lc '#dddddd' back"
          for place, (_, one) in placed if not one),
        "plot " + ", ".join([
            *(f"${role} using 1:2:3:4:5:6 with boxxyerror lc '{colour}' title 'to {role}'"
              for role, colour in COLOURS.items()),
            f"$met using 1:2:3:4 with vectors nohead lw 3 lc '{MET}' title 'target, met'",
            f"$missed using 1:2:3:4 with vectors nohead lw 3 lc '{MISSED}' title 'target, missed'",
            "$figures using 1:2:3 with labels right font ',10' notitle"])]
    return "\n".join(out) + "\n"


def draw(results, path):
    """Writes an SVG file."""
    if not any(lines(results)):
        raise Failed("there is no ratio to show")
    if not shutil.which("gnuplot"):
        raise Failed("gnuplot is missing, which draws the chart; run: tools/install-deps --bench")
    with open(path, "wb") as out:
        done = subprocess.run(["gnuplot"], input=script(results).encode(), stdout=out,
                              stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise Failed(f"gnuplot: {done.stderr.decode(errors='replace').strip().splitlines()[-1:]}")
