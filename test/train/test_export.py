"""What ships: ONNX Runtime gives what torch gives, the manifest vouches for the file, rates carry intervals."""

import argparse
import hashlib
import json

import numpy as np
import onnx
import pytest
import torch
from test_train import tiny

from maskgate_train import quantize
from maskgate_train.data import load_pool
from maskgate_train.evaluate import evaluate, open_scorer
from maskgate_train.export import (
    check_parity,
    export,
    generated_pictures,
    load_network,
    main,
    open_model,
    probabilities,
)
from maskgate_train.measure import Wanted
from maskgate_train.model import make_model
from maskgate_train.scores import CheckpointScorer, FolderScorer
from maskgate_train.train import train


@pytest.fixture(scope="module")
def shipped(arrays, small_arrays, tmp_path_factory):
    run, out = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("model")
    train(tiny(small_arrays, run, steps=2, evaluate_every=2))
    export(run / "last.pt", "ema", out, "1.0.0", arrays, None)
    return run, out


def test_manifest_vouches_for_the_file(shipped):
    manifest = json.loads((shipped[1] / "manifest.json").read_text())
    data = (shipped[1] / manifest["file"]).read_bytes()
    assert manifest["sha256"] == hashlib.sha256(data).hexdigest()
    assert manifest["sizeBytes"] == len(data) < 50e6
    assert manifest["trainedWith"]["recipe"]["seed"] == 1
    assert "arrays" not in manifest["trainedWith"]["recipe"], "no path of a machine"


def test_graph_takes_bytes_of_any_number_of_pictures(shipped):
    session = open_model(shipped[1] / "model.onnx")
    (image,), (masked,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", ["N", 112, 112, 3])
    assert (masked.name, masked.type, masked.shape) == ("masked", "tensor(float)", ["N"])
    p = probabilities(session, generated_pictures(5))
    assert p.shape == (5,) and ((p > 0) & (p < 1)).all()
    golden = json.loads((shipped[1] / "golden.json").read_text())
    assert golden["masked"][:5] == pytest.approx(p.tolist(), abs=1e-5)


def test_big_weights_are_fp16(shipped):
    graph = onnx.load(shipped[1] / "model.onnx").graph
    wide = [t.name for t in graph.initializer if t.data_type == onnx.TensorProto.FLOAT and np.prod(t.dims) >= 256]
    assert wide == [] and sum(n.op_type == "Cast" for n in graph.node) > 50


def test_parity_is_asserted(shipped):
    session = open_model(shipped[1] / "model.onnx")
    stranger = make_model("none", False, 9).eval()
    torch.nn.init.constant_(stranger.fc.bias, 2.0)
    with pytest.raises(ValueError, match="not exported"):
        check_parity(stranger, session, generated_pictures(2))


def test_generated_pictures_are_the_recipes():
    p = generated_pictures(3)
    s = 1002 * 48271 % 2147483647
    assert p[2, 0, 0, 0] == s % 256 // 4
    assert hashlib.sha256(p.tobytes()).hexdigest()[:8] == "2a114c94"


def test_evaluation_and_card(shipped, arrays, tmp_path):
    run, out = shipped
    result = evaluate(FolderScorer(out, tmp_path), arrays, tmp_path, Wanted(rate=0.01, probes=4))
    tries = tmp_path / "tries.json"
    tries.write_text(json.dumps({"type": "tries", "rows": [{"tried": "more blur", "gave": "nothing"}]}))
    export(run / "last.pt", "ema", out, "1.0.0", None, tmp_path / "evaluation.json", [tries, run / "result.json"])
    card = (out / "MODEL_CARD.md").read_text()
    assert "n = " in card and "more blur" in card and str(result["threshold"]) in card
    assert json.loads((out / "manifest.json").read_text())["threshold"] == result["threshold"]


def test_an_evaluation_of_other_weights_is_refused_and_both_commands_take_the_same_file(shipped, tmp_path, capsys):
    run, out = tmp_path / "paper", tmp_path / "model"
    run.mkdir()
    state = torch.load(shipped[0] / "last.pt", weights_only=True)
    state["config"] |= {"patience": 3, "ema_decay": 0.0}
    torch.save(state, run / "last.pt")
    state["model"]["fc.bias"] += 1
    torch.save(state, run / "best.pt")
    kept = open_scorer(argparse.Namespace(run=run, out=None, checkpoint=None, which=None, threads=1))[0]
    last = CheckpointScorer(run / "last.pt", "model", tmp_path)
    assert kept.name == "paper best.pt model" and kept.weights != last.weights
    file = tmp_path / "evaluation.json"
    args = ["--run", str(run), "--out", str(out), "--version", "1.0.0", "--evaluation", str(file)]
    file.write_text(json.dumps({"model": {"name": last.name, "weights": last.weights[:16]}}))
    assert main(args) == 1
    told = capsys.readouterr().err
    assert all(text in told for text in (last.name, last.weights[:16], kept.name, kept.weights[:16])), told
    assert list(out.iterdir()) == []
    assert main(args[:-2]) == 0
    check_parity(load_network(run / "best.pt", "model")[0], open_model(out / "model.onnx"), generated_pictures(2))


@pytest.fixture(scope="module")
def both(shipped, arrays, tmp_path_factory):
    out = tmp_path_factory.mktemp("both")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantize, "_CALIBRATE_ON", 32)
        export(shipped[0] / "last.pt", "ema", out, "1.0.0", arrays, None, calibration="minmax")
    return out, json.loads((out / "manifest.json").read_text())["variants"][0]


def test_the_variant_has_what_the_daemon_asks_for(both):
    out, variant = both
    data = (out / variant["file"]).read_bytes()
    assert variant["file"] == "model.int8.onnx" and variant["providers"] == ["cpu"]
    assert variant["sha256"] == hashlib.sha256(data).hexdigest() and variant["sizeBytes"] == len(data) < 25e6
    golden = probabilities(open_model(out / variant["file"]), generated_pictures())
    assert variant["golden"]["masked"] == pytest.approx(golden.tolist(), abs=1e-5)
    assert "## The int8 variant" in (out / "MODEL_CARD.md").read_text()
    assert {p.name for p in out.iterdir()} == {"model.onnx", "model.int8.onnx", "manifest.json", "golden.json",
                                              "MODEL_CARD.md"}  # fmt: skip


def test_the_variants_convolutions_are_int8_of_7_bits_and_its_last_layer_is_not(both):
    graph = onnx.load(both[0] / "model.int8.onnx").graph
    made_by = {output: node for node in graph.node for output in node.output}
    inputs = {n.op_type: [made_by[i].op_type for i in n.input[:2] if i in made_by] for n in graph.node}
    convolutions = [n for n in graph.node if n.op_type == "Conv"]
    assert len(convolutions) == 53
    assert all(made_by[i].op_type == "DequantizeLinear" for n in convolutions for i in n.input[:2])
    assert "DequantizeLinear" not in inputs["Gemm"] + inputs["Sigmoid"]
    weights = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    quantized = [weights[made_by[n.input[1]].input[0]] for n in convolutions]
    assert all(w.dtype == np.int8 and np.abs(w.astype(int)).max() <= 64 for w in quantized)
    scales = [weights[made_by[n.input[1]].input[1]] for n in convolutions]
    assert [s.size for s in scales] == [w.shape[0] for w in quantized], "per channel"


def test_a_variant_that_loses_more_than_a_fifth_of_a_point_is_refused():
    labels = np.repeat([1.0, 0.0], 1000)
    wanted = np.repeat([0.9, 0.1], 1000)
    given = wanted.copy()
    given[:4] = 0.4
    facts = quantize.compare(wanted, given, labels, 0.5)
    assert (facts["balancedAccuracyFloat"], facts["balancedAccuracy"], facts["changedVerdicts"]) == (100, 99.8, 4)
    given[4] = 0.4
    with pytest.raises(ValueError, match=r"loses 0\.25 points .*more than 0\.2; not exported.*--int8"):
        quantize.compare(wanted, given, labels, 0.5)
    with pytest.raises(ValueError, match="differ by 0.05"):
        quantize.compare(wanted, wanted - 0.05, labels, 0.5)


def test_a_refused_export_leaves_the_folder_as_it_was_and_one_without_int8_takes_it_away(both, shipped, arrays):
    out, run = both[0], shipped[0]
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    args = ["--run", str(run), "--out", str(out), "--version", "1.0.1", "--arrays", str(arrays)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantize, "_CALIBRATE_ON", 32)
        patch.setattr(quantize, "MOST_LOSS", -1)
        assert main([*args, "--int8"]) == 1
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    assert main(args) == 0
    assert not (out / "model.int8.onnx").exists()
    assert json.loads((out / "manifest.json").read_text())["variants"] == []


def test_calibration_sees_the_training_part_alone_real_and_rendered(arrays):
    pool = load_pool(arrays, {"train"})
    known = {pool.picture(i).tobytes(): pool.rows[i]["synthetic"] for i in range(len(pool))}
    drawn = [known[p.tobytes()] for p in quantize.calibration_pictures(arrays)]
    assert len(drawn) == 256 and True in drawn and False in drawn
