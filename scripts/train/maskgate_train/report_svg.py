"""Charts as inline SVG: lines, points with intervals, rows of intervals. Colours come from the page's style.

Promises: plain text without scripts or files from elsewhere; readable on light and on dark; every chart has a title
that a screen reader speaks; numbers that are None are left out, never drawn as 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

Points = Sequence[tuple[float, float]]
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 40


@dataclass(frozen=True)
class Series:
    """A named line; `colour` 1 to 4 of the page's palette. `intervals`: low and high of each point."""

    name: str
    points: Points
    colour: int
    dashed: bool = False
    line: bool = True
    dots: bool = False
    intervals: Points = ()


@dataclass(frozen=True)
class Axis:
    """A scale: where it starts and ends, what its ticks say."""

    label: str
    low: float
    high: float
    ticks: Sequence[float]
    log: bool = False
    text: Callable[[float], str] = lambda v: f"{v:g}"

    def at(self, value: float, start: float, length: float) -> float:
        """Pixels of a value; what lies outside is put on the edge."""
        v = min(max(value, self.low), self.high)
        if self.log:
            share = math.log(v / self.low) / math.log(self.high / self.low)
        else:
            share = (v - self.low) / (self.high - self.low)
        return round(start + share * length, 1)


def percent(v: float) -> str:
    """0.025 as 2.5 %."""
    return f"{100 * v:.4g} %"


def steps(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from low to high."""
    raw = (high - low) / most
    size = 10 ** math.floor(math.log10(raw))
    size *= next(m for m in (1, 2, 5, 10) if m * size >= raw)
    first = math.ceil(low / size - 1e-9)
    return [round(i * size, 10) for i in range(first, math.floor(high / size + 1e-9) + 1)]


def log_axis(label: str, values: Sequence[float], text: Callable[[float], str] = lambda v: f"{v:g}") -> Axis:
    """Decades and their thirds around the values."""
    known = [v for v in values if v > 0] or [0.1]
    marks = [float(f"{m}e{e}") for e in range(-6, 3) for m in (1, 3)]
    low = max(m for m in marks if m <= min(known))
    high = min(m for m in marks if m >= max(known) and m > low)
    return Axis(label, low, high, [m for m in marks if low <= m <= high], True, text)


def line_axis(label: str, low: float, high: float, text: Callable[[float], str] = lambda v: f"{v:g}") -> Axis:
    """An even scale with round ticks."""
    high = high if high > low else low + 1
    return Axis(label, low, high, steps(low, high), text=text)


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def chart(
    title: str, series: Sequence[Series], x: Axis, y: Axis, lines: Sequence[tuple[float, str]] = (),
    upright: Sequence[tuple[float, str]] = (), diagonal: bool = False, size: tuple[int, int] = (460, 290),
) -> str:  # fmt: skip
    """Lines over two axes. `lines` and `upright` are named levels across and up."""
    wide, high = size
    w, h = wide - _LEFT - _RIGHT, high - _TOP - _BOTTOM

    def at(px: float, py: float) -> tuple[float, float]:
        return x.at(px, _LEFT, w), y.at(py, _TOP + h, -h)

    out = [f'<svg viewBox="0 0 {wide} {high}" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>']
    for tick in y.ticks:
        ty = at(x.low, tick)[1]
        out.append(f'<path class="grid" d="M{_LEFT} {ty}H{wide - _RIGHT}"/>')
        out.append(f'<text x="{_LEFT - 7}" y="{ty + 4:g}" text-anchor="end">{escape(y.text(tick))}</text>')
    for tick in x.ticks:
        tx = at(tick, y.low)[0]
        out.append(f'<path class="tick" d="M{tx} {_TOP + h}v4"/>')
        out.append(f'<text x="{tx}" y="{_TOP + h + 17}" text-anchor="middle">{escape(x.text(tick))}</text>')
    out.append(f'<path class="axis" d="M{_LEFT} {_TOP + h}H{wide - _RIGHT}"/>')
    out.append(
        f'<text class="label" x="{_LEFT + w / 2:g}" y="{high - 6}" text-anchor="middle">{escape(x.label)}</text>'
    )
    if diagonal:
        out.append(f'<path class="level" d="{_path([at(x.low, y.low), at(x.high, y.high)])}"/>')
    for level, text in lines:
        ly = at(x.low, level)[1]
        out.append(f'<path class="level" d="M{_LEFT} {ly}H{wide - _RIGHT}"/>')
        below = 14 if ly < _TOP + 30 else -5
        out.append(
            f'<text class="level" x="{wide - _RIGHT}" y="{ly + below:g}" text-anchor="end">{escape(text)}</text>'
        )
    for level, text in upright:
        lx = at(level, y.low)[0]
        end = "end" if lx > _LEFT + w / 2 else "start"
        out.append(f'<path class="level" d="M{lx} {_TOP}V{_TOP + h}"/>')
        shift = -5 if end == "end" else 5
        out.append(
            f'<text class="level" x="{lx + shift:g}" y="{_TOP + h - 7}" text-anchor="{end}">{escape(text)}</text>'
        )
    for s in series:
        out += _drawn(s, at)
    return "".join([*out, "</svg>"])


def _drawn(s: Series, at: Callable[[float, float], tuple[float, float]]) -> list[str]:
    placed = [at(*p) for p in s.points]
    out = []
    if s.line and len(placed) > 1:
        out.append(f'<path class="line c{s.colour}{" dashed" if s.dashed else ""}" d="{_path(placed)}"/>')
    for (px, _), (low, high) in zip(s.points, s.intervals, strict=False):
        (ax, ay), (_, by) = at(px, low), at(px, high)
        out.append(f'<path class="line thin c{s.colour}" d="M{ax} {ay}V{by}"/>')
    if s.dots or len(placed) == 1:
        out += [f'<circle class="c{s.colour}" cx="{px}" cy="{py}" r="3"/>' for px, py in placed]
    return out


def legend(series: Sequence[Series]) -> str:
    """The names of the lines, as HTML under the chart."""
    items = (
        f'<span><svg class="key" viewBox="0 0 22 8"><path class="line c{s.colour}{" dashed" if s.dashed else ""}" '
        f'd="M0 4H22"/></svg>{escape(s.name)}</span>'
        for s in series
    )
    return f'<p class="legend">{"".join(items)}</p>'


def rows_chart(title: str, rows: Sequence[tuple[str, Sequence[dict[str, Any] | None]]], names: Sequence[str]) -> str:
    """One row a name, in it one point with its interval for each of `names`; shares from 0 to 100 %."""
    left, wide, row_high = 118, 900, 12 * len(names) + 10
    high = row_high * len(rows) + 30
    axis = Axis("", 0, 1, [0, 0.25, 0.5, 0.75, 1], text=percent)
    w = wide - left - 20
    out = [f'<svg viewBox="0 0 {wide} {high}" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>']
    for tick in axis.ticks:
        x = axis.at(tick, left, w)
        out.append(f'<path class="grid" d="M{x} 4V{high - 24}"/>')
        out.append(f'<text x="{x}" y="{high - 8}" text-anchor="middle">{percent(tick)}</text>')
    for i, (name, rates) in enumerate(rows):
        top = 6 + i * row_high
        out.append(f'<text x="{left - 10}" y="{top + row_high / 2:g}" text-anchor="end">{escape(name)}</text>')
        for k, rate in enumerate(rates):
            if rate and rate["n"]:
                y = top + 5 + 12 * k
                a, b, m = (axis.at(rate[key], left, w) for key in ("low", "high", "rate"))
                out.append(f'<path class="line c{k + 1}" d="M{a} {y}H{b}"/>')
                out.append(f'<circle class="c{k + 1}" cx="{m}" cy="{y}" r="4"/>')
    return "".join([*out, "</svg>"])


def bar(rate: dict[str, Any] | None, top: float = 0.25) -> str:
    """A small bar for a table: a share up to `top` with its interval; longer is worse."""
    if not rate or not rate["n"]:
        return ""
    a, b, m = (round(110 * min(rate[k] / top, 1), 1) for k in ("low", "high", "rate"))
    return (
        f'<svg class="bar" viewBox="0 0 112 12" aria-hidden="true"><path class="track" d="M0 6H112"/>'
        f'<path class="span" d="M{a} 6H{max(b, a + 1):g}"/><path class="mark" d="M{m + 1:g} 1V11"/></svg>'
    )
