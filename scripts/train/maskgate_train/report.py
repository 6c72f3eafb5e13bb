"""One HTML page of a training: the paper's figures and tables beside ours, and every measurement; or pictures in,
numbers out.

Promises: the page is one file without scripts, pictures of people or anything fetched; a run that is missing is
named with the command that makes it.
Run: run report --runs DIR... --out report.html [--also FILE...] [--model DIR --pictures FILE...]
     run report --pictures FILE... --model DIR
"""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

from .goals import is_paper, kept_epoch, shipped_of
from .report_measured import goal_section, measured
from .report_paper import early_stopping, figure_3, momentum, occlusion, single_pictures, table_1
from .report_pictures import Verdicts, verdicts_of, words
from .report_runs import Material, gather
from .report_style import number, page, tiles


def lead(material: Material) -> str:
    """Headline numbers."""
    facts = []
    paper = [r for r in material.runs if is_paper(r) and r["curve"]]
    if paper:
        kept = kept_epoch(paper[-1])
        text = f"validation accuracy by the paper&rsquo;s recipe (paper 99.24 %); loss {kept['loss']:.4f} (0.0354)"
        facts.append((number(kept["accuracy"]), text))
    ours = shipped_of(material.evaluations)
    if ours:
        by = {g["name"]: g["accepted"] for g in ours["byKind"]}
        for name, words in (("masked", "real masks accepted"), ("bare", "bare faces accepted")):
            if name in by and by[name]["n"]:
                facts.append((number(by[name]["rate"]), f"{words}, n {by[name]['n']:,}"))
    unseen = [s for e in material.evaluations for s in e["sources"] if s["name"] == e["model"]["leaveOut"]]
    known = [s["balancedAccuracy"]["rate"] for s in unseen if s["balancedAccuracy"]]
    if known:
        facts.append((number(min(known)), "lowest balanced accuracy on a source never seen"))
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    text = f'<p class="soft">ResNet50 on 112 &times; 112 crops of faces: is a mask worn properly? Made {today}.</p>'
    return text + (tiles(facts) if facts else "")


def write_page(material: Material, verdicts: Verdicts, out: Path) -> None:
    """The whole page."""
    sections = [
        goal_section(material), figure_3(material), table_1(material), early_stopping(material), momentum(material),
        occlusion(material), single_pictures(*verdicts), *measured(material),
    ]  # fmt: skip
    for name in material.unmeasured:
        print(f"{name}: not measured yet; scripts/train/run evaluate --run {name} --arrays ARRAYS", file=sys.stderr)
    foot = "Intervals are Wilson's at 95 %. Threshold chosen on the validation part, rates measured on others."
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page("Is a mask worn? The trainer's report", lead(material), sections, foot))


def main(argv: list[str] | None = None) -> int:
    """Command line: see the module's head."""
    parser = argparse.ArgumentParser(prog="report", description=" ".join(__doc__.split("\n\n")[0].split()))
    parser.add_argument("--runs", type=Path, nargs="*", default=[], help="folders of runs, with their evaluations")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="evaluation, whole_path or tries files")
    parser.add_argument("--out", type=Path, help="the page")
    parser.add_argument("--model", type=Path, help="folder that `export` wrote, for --pictures")
    help_text = "photographs: every face that `maskgate crops` finds; 112x112 pictures are taken as they are"
    parser.add_argument("--pictures", type=Path, nargs="*", default=[], help=help_text)
    args = parser.parse_args(argv)
    if args.pictures and not args.model:
        parser.error("--pictures needs --model")
    if not args.pictures and not args.out:
        parser.error("give --out for a page, or --pictures with --model for numbers")
    verdicts = verdicts_of(args.pictures, args.model) if args.pictures else ([], "", 0.5)
    for name, p in verdicts[0]:
        print("  ".join([name, *words(p, verdicts[2])]).rstrip())
    if args.out:
        write_page(gather(args.runs, args.also), verdicts, args.out)
        print(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
