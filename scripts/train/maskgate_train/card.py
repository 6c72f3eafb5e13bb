"""MODEL_CARD.md from a manifest and an evaluation: numbers with n, never without."""

from __future__ import annotations

from typing import Any

_LIMITS = """## Limits

- Trained for a few thousand steps on two shared cores, from ImageNet weights of the first half of the network only.
- The test part comes from the same sources as the training part (other people and files). On sources it has never
  seen expect worse.
- Worn wrong and occluded faces are mostly synthetic, in training and in this table alike.
- Not measured yet: by skin tone and age, and with a whole source or kind left out of training.
- Most pictures of the training are licensed for research only.
"""


def _rate(r: dict[str, Any] | None) -> str:
    if not r or not r["n"]:
        return ""
    return f"{100 * r['rate']:.1f} % ({100 * r['low']:.1f} to {100 * r['high']:.1f}; n = {r['n']})"


def _point(c: dict[str, float]) -> str:
    shares = (f"{100 * c[k]:.2f} %" if k in c else "" for k in ("masked", "bare", "other"))
    return f"| {c['threshold']} | {' | '.join(shares)} |"


def table(groups: list[dict[str, Any]], head: str) -> list[str]:
    """Markdown rows of accepted shares with their 95 % intervals."""
    lines = [f"| {head} | should be | accepted as masked (95 % interval) |", "|---|---|---|"]
    for g in groups:
        lines.append(f"| {g['name']} | {'accepted' if g['label'] else 'refused'} | {_rate(g['accepted'])} |")
    return lines


def model_card(manifest: dict[str, Any], evaluation: dict[str, Any] | None) -> str:
    """The card's text."""
    made, data = manifest["trainedWith"], manifest["trainingData"]
    recipe = made["recipe"]
    lines = [
        f"# {manifest['name']} {manifest['version']}",
        "",
        "ResNet50 with one output on 112 x 112 RGB crops: the probability that a face wears a mask properly (nose,",
        "mouth and chin covered). Pixels go in as bytes; they become 0..1 inside the graph and are not normalized.",
        f"Threshold {manifest['threshold']}.",
        "",
        "## Training",
        "",
        f"Preset `{recipe['preset']}`, {made['steps']} steps of {recipe['batch']} in {made['minutes']} minutes on",
        f"{made['processor']} (CPU), seed {recipe['seed']}, one run; torch {made['torch']}, Python {made['python']}.",
        f"{data['pictures']} pictures, data {data['dataHash']}: real crops by `maskgate crops`, and masks, masks worn",
        "wrong and occluders rendered onto the bare ones. Split by person or file.",
        "",
    ]
    if evaluation is None:
        return "\n".join([*lines, "Not evaluated: an early model for wiring, not for doors.", ""])
    rate, least = evaluation["falseAcceptRate"], evaluation["leastFacePx"]
    lines += [
        f"## Measured on held-out pictures ({evaluation['split']} part, faces of {least} px and more)",
        "",
        f"The threshold is the lowest at which at most {100 * rate:.1f} % of the validation part's bare faces pass.",
        "",
        *table(evaluation["byKind"], "kind"),
        "",
        *table(evaluation["bySource"], "source and kind"),
        "",
        "Accepted shares by threshold (masked; bare; everything else that is to be refused):",
        "",
        "| threshold | masked | bare | other |",
        "|---|---|---|---|",
        *(_point(c) for c in evaluation["curve"]),
        "",
        "Changed verdicts when the same picture is changed:",
        "",
        "| change | changed verdicts (95 % interval) |",
        "|---|---|",
        *(f"| {i['name']} | {_rate(i['changed'])} |" for i in evaluation["invariance"]),
        "",
    ]
    return "\n".join([*lines, _LIMITS])
