"""What a step sees is a function of seed and step; shares of label and kind are as stated; groups name every kind."""

from collections import Counter

import numpy as np
import pytest

from maskgate_train.config import ConfigError, make_config
from maskgate_train.data import PAPER_GROUPS, SHARES, Batches, draw_weights, group_of, load_pool
from maskgate_train.prepare import read_rows, write_rows
from maskgate_train.render import pick_negative
from maskgate_train.synthesize import KINDS


def test_groups_name_every_kind_as_synthesis_does():
    for kind in KINDS.values():
        row = {"synthetic": True, "label": kind.label, "kind": kind.name}
        if kind.group != "bare":
            assert group_of(row) == kind.group
            assert (kind.label, kind.group) in SHARES
    assert sum(SHARES.values()) == pytest.approx(1)
    picked = {KINDS[pick_negative(np.random.default_rng(n))].group for n in range(60)}
    assert picked == {"wrong", "occluder", "decoy"}


def test_labels_and_sources_are_balanced(arrays):
    pool = load_pool(arrays, {"train"})
    share: Counter[object] = Counter()
    for row, weight in zip(pool.rows, draw_weights(pool.rows), strict=True):
        share[group_of(row)] += weight
        share[row["source"]] += weight
    assert share["real"] / share["bare"] == pytest.approx(SHARES[1, "real"] / SHARES[0, "bare"])
    assert 0.3 < share["east"] < 0.7


def test_rare_occluders_are_drawn_nearly_as_often_as_common_ones():
    base = {"synthetic": True, "label": 0, "source": "east"}
    rows = [{**base, "kind": "phone"}] * 400 + [{**base, "kind": "shape"}] * 100 + [{**base, "kind": "hat"}] * 50
    weights = draw_weights(rows)
    assert weights[:400].sum() == pytest.approx(2 * weights[400:500].sum())
    assert weights[:500].sum() / weights[500:].sum() == pytest.approx(SHARES[0, "occluder"] / SHARES[0, "decoy"])


def test_kinds_are_left_out_by_name(arrays):
    assert {r["kind"] for r in load_pool(arrays, {"train"}).rows} >= {"notebook", "hat"}
    assert not {r["kind"] for r in load_pool(arrays, {"train"}, leave_kinds="notebook,hat").rows} & {"notebook", "hat"}
    with pytest.raises(ConfigError, match="no such kind: notebok"):
        load_pool(arrays, {"train"}, leave_kinds="notebok")
    assert make_config("door", leave_kinds="phone").leave_kinds == "phone"


def test_kinds_are_left_out_where_they_stand_beside_a_face_too(arrays, tmp_path):
    for name in ("pictures.npy", "rows.jsonl", "rendered-1.npy"):
        (tmp_path / name).write_bytes((arrays / name).read_bytes())
    made = read_rows(arrays / "rendered-1.jsonl")
    masks = [r for r in made if r["kind"] == "surgical" and r["split"] == "train"]
    masks[0]["beside"], masks[1]["beside"] = ["aside", "phone"], ["hat"]
    write_rows(tmp_path / "rendered-1.jsonl", made)
    whole = load_pool(tmp_path, {"train"}).rows
    for kinds, count in (("phone", 1), ("aside", 1), ("hat,phone", 2)):
        rows = load_pool(tmp_path, {"train"}, leave_kinds=kinds).rows
        assert sum(r["kind"] == "surgical" and r["synthetic"] for r in rows) == len(masks) - count
        assert not any(set(r.get("beside", [])) & set(kinds.split(",")) for r in rows)
    write_rows(tmp_path / "rendered-1.jsonl", [{k: v for k, v in r.items() if k != "beside"} for r in made])
    assert len(load_pool(tmp_path, {"train"})) == len(whole), "nothing is left out, so nothing need be known"
    assert len(load_pool(tmp_path, {"train"}, leave_kinds="notebook")) < len(whole), "it stands beside no face"
    with pytest.raises(ConfigError, match=r"rendered-1.jsonl does not say what stands beside .*render it again"):
        load_pool(tmp_path, {"train"}, leave_kinds="phone")


def test_what_nobody_would_agree_on_is_in_no_pool(arrays, tmp_path):
    rows = read_rows(arrays / "rows.jsonl")
    at = next(i for i, r in enumerate(rows) if r["split"] == "train")
    np.save(tmp_path / "pictures.npy", np.load(arrays / "pictures.npy"))
    before = len(load_pool(arrays, {"train"}, synthetic=False))
    write_rows(
        tmp_path / "rows.jsonl", [{**r, "kind": "unclear", "label": None} if i == at else r for i, r in enumerate(rows)]
    )
    pool = load_pool(tmp_path, {"train"}, synthetic=False)
    assert len(pool) == before - 1
    assert not np.isnan(pool.labels).any()


def test_leaving_a_source_out_takes_its_pictures_out_of_the_other_sources_too(arrays, tmp_path):
    rows = read_rows(arrays / "rows.jsonl")
    pictures = np.load(arrays / "pictures.npy").copy()
    here = next(i for i, r in enumerate(rows) if r["source"] == "west" and r["split"] == "train")
    there = next(i for i, r in enumerate(rows) if r["source"] == "east")
    pictures[here] = pictures[there][:, ::-1]
    np.save(tmp_path / "pictures.npy", pictures)
    write_rows(tmp_path / "rows.jsonl", rows)
    np.save(tmp_path / "rendered-1.npy", pictures[:2])
    made = [{**rows[here], "kind": "surgical", "label": 1, "of": at} for at in (here, here + 2)]
    write_rows(tmp_path / "rendered-1.jsonl", made)
    files = Counter(r["file"] for r in load_pool(tmp_path, {"train"}, leave_out="east").rows)
    assert files[rows[here]["file"]] == 1, "gone, but for the one rendered onto another picture"
    assert np.load(tmp_path / "duplicates.npz")["pairs"].tolist() == [sorted([here, there])]
    assert rows[here]["file"] in {r["file"] for r in load_pool(tmp_path, {"train"}).rows}


@pytest.mark.parametrize("part", ["test", "val"])
def test_training_sees_nothing_that_is_nearly_a_picture_of_another_part(arrays, tmp_path, part):
    rows = read_rows(arrays / "rows.jsonl")
    pictures = np.load(arrays / "pictures.npy").copy()
    here, there = (next(i for i, r in enumerate(rows) if r["split"] == split) for split in ("train", part))
    pictures[here] = pictures[there]
    np.save(tmp_path / "pictures.npy", pictures)
    write_rows(tmp_path / "rows.jsonl", rows)
    files = [{r["file"] for r in load_pool(tmp_path, s).rows} for s in ({"train"}, {part}, {"train", part})]
    assert rows[here]["file"] not in files[0]
    assert rows[there]["file"] in files[1]
    assert {rows[here]["file"], rows[there]["file"]} <= files[2]


def test_splits_do_not_meet(arrays):
    groups = [{r["group"] for r in load_pool(arrays, {s}, synthetic=False).rows} for s in ("train", "val", "test")]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    assert {r["source"] for r in load_pool(arrays, {"train"}, leave_out="east").rows} == {"west"}
    assert {group_of(r) for r in load_pool(arrays, {"train"}, groups=PAPER_GROUPS).rows} == PAPER_GROUPS
    with pytest.raises(ConfigError, match="run `prepare` first"):
        load_pool(arrays / "nowhere", {"train"})


@pytest.mark.parametrize("preset", ["paper", "door"])
def test_batches_depend_on_seed_and_step_alone(arrays, preset):
    config = make_config(preset, batch=8)
    pool = load_pool(arrays, {"train"})
    straight, later = Batches(pool, config).from_step(0), Batches(pool, config).from_step(3)
    for _ in range(3):
        next(straight)
    for _ in range(4):
        a, b = next(straight), next(later)
        assert np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])


def test_paper_epochs_show_every_picture_once(arrays):
    pool = load_pool(arrays, {"train"}, synthetic=False)
    batches = Batches(pool, make_config("paper", batch=8))
    seen = np.concatenate([batches.indices(s) for s in range(len(pool) // 8)])
    assert sorted(seen) == list(range(len(pool)))
