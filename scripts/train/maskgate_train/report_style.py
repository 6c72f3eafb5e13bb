"""The page around the sections: style for light and dark, head, contents, tables, captions.

Promises: one file that opens without a network; text is escaped unless it is called html.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from .report_svg import bar

_STYLE = """
:root{--ink:#1c2024;--soft:#5b646e;--faint:#e4e6e9;--ground:#fff;--panel:#f6f7f8;--c1:#1768ac;--c2:#d1570b;--c3:#0b7a5c;
--c4:#8a3d97;--good:#0b7a5c;--bad:#b8261b;--rule:#c9ced4;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--ink:#e7eaed;--soft:#9aa5b0;--faint:#2b3138;--ground:#14171a;--panel:#1c2024;
--c1:#6bb3f0;--c2:#f2975a;--c3:#4fc3a1;--c4:#cf93da;--good:#4fc3a1;--bad:#ff7d70;--rule:#3c444d}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,"Segoe UI",Roboto,sans-serif}
main,header,nav{max-width:980px;margin:0 auto;padding:0 22px}
header{padding-top:44px}h1{font-size:30px;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em}
h2{font-size:21px;margin:54px 0 8px;padding-top:14px;border-top:1px solid var(--rule);letter-spacing:-.005em}
h3{font-size:16px;margin:26px 0 6px}p{margin:8px 0;max-width:72ch}.soft,figcaption,caption{color:var(--soft)}
nav ol{display:flex;flex-wrap:wrap;gap:4px 20px;list-style:none;padding:0;margin:20px 0 0;font-size:14px}
a{color:var(--c1);text-decoration:none}a:hover{text-decoration:underline}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:12px;margin:26px 0 0}
.tile{background:var(--panel);border-radius:8px;padding:14px 16px}.tile b{display:block;font-size:26px;line-height:1.2;
font-variant-numeric:tabular-nums}.tile span{display:block;font-size:13.5px;color:var(--soft)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:8px 26px}
figure{margin:16px 0 0}figcaption{font-size:14px;max-width:72ch}figure h3{margin:0 0 4px}figure>svg{min-width:300px}
svg{display:block;width:100%;height:auto;font:12px system-ui,sans-serif;overflow:visible}
svg text{fill:var(--soft)}svg text.label{fill:var(--ink)}
.grid{stroke:var(--faint);fill:none}.axis,.tick{stroke:var(--rule);fill:none}
.level{stroke:var(--soft);stroke-dasharray:3 4;fill:none}text.level{stroke:none;fill:var(--soft)}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.thin{stroke-width:1.2}.dashed{stroke-dasharray:5 5}
.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}
circle.c1{fill:var(--c1)}circle.c2{fill:var(--c2)}circle.c3{fill:var(--c3)}circle.c4{fill:var(--c4)}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:13.5px;color:var(--soft);margin:2px 0 6px}
svg.key{display:inline-block;width:22px;height:8px;margin-right:7px;vertical-align:middle}
.wide{overflow-x:auto;margin:12px 0}table{border-collapse:collapse;font-size:14.5px;min-width:min(100%,420px)}
caption{text-align:left;font-size:14px;padding-bottom:6px}
th,td{text-align:left;padding:5px 18px 5px 0;border-bottom:1px solid var(--faint);vertical-align:baseline}
th{font-weight:600;color:var(--soft);font-size:13.5px}td.n{font-variant-numeric:tabular-nums;white-space:nowrap}
td:first-child{min-width:120px}td small{color:var(--soft);font-size:13px}td.bar{min-width:128px;vertical-align:middle}
svg.bar{width:112px;height:12px}.track{stroke:var(--faint);stroke-width:2}
.span{stroke:var(--c2);stroke-width:4;opacity:.45}
.mark{stroke:var(--c2);stroke-width:2.5}.good{color:var(--good)}.bad{color:var(--bad)}
.missing{background:var(--panel);border-left:3px solid var(--c2);padding:10px 16px;margin:14px 0;
border-radius:0 6px 6px 0}
code,pre{font:13.5px ui-monospace,SFMono-Regular,Menlo,monospace}
pre{overflow-x:auto;margin:6px 0 0;white-space:pre-wrap}
footer{max-width:980px;margin:60px auto 40px;padding:0 22px;color:var(--soft);font-size:14px}
@media print{nav{display:none}h2{break-after:avoid}figure,table{break-inside:avoid}}
"""


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    id: str
    title: str
    html: str


def number(value: float | None, digits: int = 2) -> str:
    """A share as percent."""
    return "not measured" if value is None else f"{100 * value:.{digits}f} %"


def rate_html(rate: dict[str, Any] | None, digits: int = 2, stacked: bool = False) -> str:
    """A rate with its interval and n, these below it if `stacked`."""
    if not rate or not rate["n"]:
        return '<span class="soft">not measured</span>'
    low, high = (f"{100 * rate[k]:.{digits}f}" for k in ("low", "high"))
    gap = "<br>" if stacked else " "
    return f"{100 * rate['rate']:.{digits}f} %{gap}<small>({low} to {high}; n {rate['n']:,})</small>"


def error_of(group: dict[str, Any]) -> dict[str, Any]:
    """The share of wrong verdicts of a group of one label."""
    r = group["accepted"]
    if not group["label"] or not r["n"]:
        return r
    return {"rate": 1 - r["rate"], "low": 1 - r["high"], "high": 1 - r["low"], "n": r["n"]}


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """A table of cells that are html; all but the first column are numbers."""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    top = "".join(f"<th>{escape(h)}</th>" for h in head)
    body = "".join("<tr>" + "".join(f"<td{_cell(i, c)}>{c}</td>" for i, c in enumerate(row)) + "</tr>" for row in rows)
    return f'<div class="wide"><table>{title}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(i: int, html: str) -> str:
    return "" if i == 0 else ' class="bar"' if html.startswith("<svg") else ' class="n"'


def groups_table(groups: Sequence[dict[str, Any]], head: str, caption: str = "") -> str:
    """Accepted shares by name with a bar of the share that is wrong."""
    rows = [
        [
            escape(g["name"].replace("_", " ")),
            "accepted" if g["label"] else "refused",
            rate_html(g["accepted"]),
            bar(error_of(g)),
        ]
        for g in groups
    ]
    return table([head, "should be", "accepted as masked (95 % interval)", "wrong, 0 to 25 %"], rows, caption)


def figure(html: str, caption: str, title: str = "") -> str:
    """A chart with what it says."""
    head = f"<h3>{escape(title)}</h3>" if title else ""
    return f"<figure>{head}{html}<figcaption>{escape(caption)}</figcaption></figure>"


def missing(what: str, command: str) -> str:
    """Says what is not there, and the command that makes it."""
    return f'<div class="missing">Missing: {escape(what)}. This makes it:<pre>{escape(command)}</pre></div>'


def tiles(facts: Sequence[tuple[str, str]]) -> str:
    """A few headline numbers."""
    return (
        '<div class="tiles">'
        + "".join(f"<div class=tile><b>{b}</b><span>{s}</span></div>" for b, s in facts)
        + "</div>"
    )


def page(title: str, lead_html: str, sections: Sequence[Section], foot: str) -> str:
    """The whole file."""
    contents = "".join(f'<li><a href="#{s.id}">{escape(s.title)}</a></li>' for s in sections)
    body = "".join(f'<section id="{s.id}"><h2>{escape(s.title)}</h2>{s.html}</section>' for s in sections)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><header><h1>{escape(title)}</h1>{lead_html}"
        f"</header><nav><ol>{contents}</ol></nav><main>{body}</main><footer>{escape(foot)}</footer></body></html>\n"
    )
