"""What ships: ONNX Runtime gives what torch gives, the manifest vouches for the file, rates carry intervals."""

import hashlib
import json

import numpy as np
import onnx
import pytest
import torch
from test_train import tiny

from maskgate_train.evaluate import evaluate
from maskgate_train.export import check_parity, export, generated_pictures, open_model, probabilities
from maskgate_train.measure import Wanted
from maskgate_train.model import make_model
from maskgate_train.scores import FolderScorer
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
