"""Rates: intervals hold their n, the ROC and calibration say what is true of made-up probabilities."""

import numpy as np
import pytest

from maskgate_train.rates import (
    balanced,
    calibration,
    choose_threshold,
    curve,
    gap,
    groups_of,
    roc,
    share,
    threshold_words,
    wilson,
)


def test_wilson_interval():
    r = wilson(1, 100)
    assert (r["rate"], r["n"]) == (0.01, 100)
    assert (r["low"], r["high"]) == pytest.approx((0.00177, 0.05446), abs=1e-4)
    assert wilson(0, 0)["rate"] is None


def test_threshold_is_the_lowest_that_keeps_the_rate():
    bare = np.concatenate([np.full(99, 0.1), [0.555]])
    assert choose_threshold(bare, 0.01) == 0.5
    assert choose_threshold(bare, 0.005) == 0.56
    assert choose_threshold(np.full(10, 0.99), 0.005) == 0.98


def test_the_threshold_says_what_decided_it():
    def words(bare: list[float], rate: float) -> str:
        p = np.array(bare)
        return threshold_words(choose_threshold(p, rate), rate, share(p >= choose_threshold(p, rate)))

    floor = words([0.1] * 99 + [0.555], 0.01)
    assert (
        "the search's floor decided" in floor and "1.00 % of 100 pass there" in floor and "is the lowest" not in floor
    )
    assert "is the lowest from 0.5" in words([0.1] * 99 + [0.555], 0.005)
    assert "No threshold up to 0.98" in words([0.99] * 10, 0.005)
    assert threshold_words(0.5, 0.002, None) == "The threshold 0.5 was given, not chosen."


def test_balanced_accuracy_weighs_both_classes_alike_and_needs_both():
    r = balanced(wilson(90, 100), wilson(1000, 1000))
    assert r["rate"] == 0.95 and r["n"] == 1100
    assert r["low"] < 0.95 < r["high"] <= 1
    assert balanced(wilson(1, 1), wilson(0, 0)) is None


def test_intervals_of_balanced_accuracy_cover():
    rng, hits = np.random.default_rng(0), 0
    for _ in range(400):
        r = balanced(wilson(int(rng.binomial(60, 0.9)), 60), wilson(int(rng.binomial(200, 0.97)), 200))
        hits += r["low"] <= (0.9 + 0.97) / 2 <= r["high"]
    assert 0.92 < hits / 400 < 0.99


def test_roc_area_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(3)
    labels = (rng.random(300) < 0.4).astype(np.float32)
    p = np.round(np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0, 1), 1).astype(np.float32)
    higher = p[labels > 0.5][:, None] - p[labels < 0.5][None, :]
    pairs = float((higher > 0).mean() + 0.5 * (higher == 0).mean())
    r = roc(p, labels)
    assert r["area"] == pytest.approx(pairs, abs=1e-5)
    assert r["points"][0] == [0, 0] and r["points"][-1] == [1, 1]
    assert roc(p, np.ones(300)) is None


def test_roc_keeps_the_corner_that_a_door_lives_on():
    rng = np.random.default_rng(4)
    labels = (np.arange(4000) % 2).astype(np.float32)
    points = roc(rng.normal(labels, 1), labels)["points"]
    assert 50 < len(points) <= 201
    assert sum(f < 0.02 for f, _ in points) > 10


def test_calibration_of_a_true_and_of_a_boastful_probability():
    rng = np.random.default_rng(1)
    p = rng.random(20000)
    labels = (rng.random(20000) < p).astype(np.float32)
    true, boast = calibration(p, labels), calibration(np.round(p), labels)
    assert true["expectedError"] < 0.02 < boast["expectedError"]
    assert true["brier"] == pytest.approx(1 / 6, abs=0.01)
    assert sum(b["masked"]["n"] for b in true["bins"]) == true["n"] == 20000
    assert calibration(np.array([1.0]), np.array([1.0]))["bins"][9]["masked"]["n"] == 1
    assert calibration(np.zeros(0), np.zeros(0)) is None


def test_groups_come_with_what_is_to_be_accepted_first():
    accepted = np.array([True, False, True, True])
    groups = groups_of(["bare", "bare", "masked", "masked"], np.array([0, 0, 1, 1]), accepted)
    assert [(g["name"], g["label"], g["accepted"]["rate"]) for g in groups] == [("masked", 1, 1.0), ("bare", 0, 0.5)]


def test_gaps_are_flagged_above_two_points_among_groups_of_enough():
    def group(name: str, hits: int, n: int) -> dict:
        return {"name": name, "accepted": wilson(hits, n)}

    wide = gap([group("a", 990, 1000), group("b", 950, 1000), group("few", 0, 10)])
    assert wide == {"points": 4.0, "low": "b", "high": "a", "wide": True, "beyondChance": True}
    assert gap([group("a", 99, 100), group("b", 98, 100)])["wide"] is False
    assert gap([group("a", 40, 40), group("b", 38, 40)])["beyondChance"] is False
    assert gap([group("a", 9, 10), group("b", 1, 10)]) is None


def test_operating_points_leave_out_what_is_not_there():
    p = np.array([0.2, 0.6, 0.9])
    points = curve(p, {"masked": np.array([False, True, True]), "bare": np.zeros(3, bool)})
    assert {c["threshold"]: c["masked"] for c in points}[0.7] == 0.5
    assert "bare" not in points[0]
    assert share(p > 0.5)["n"] == 3
