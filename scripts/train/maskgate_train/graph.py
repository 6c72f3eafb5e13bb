"""A network as an ONNX graph, and the graph run on the CPU.

Promises: preprocessing and sigmoid are inside the graph. Weights are kept as fp16 and widened when the graph is loaded,
so that a CPU runs its fp32 kernels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from .model import Product

OPSET = 17
SIDE_PX = 112


def trace(network: torch.nn.Module, file: Path) -> None:
    """Writes the graph: uint8 `image` [N,112,112,3] to float32 `masked` [N], BatchNorm folded into convolutions."""
    product = Product(network.to(memory_format=torch.contiguous_format)).eval()
    sample = torch.zeros(1, SIDE_PX, SIDE_PX, 3, dtype=torch.uint8)
    names = {"input_names": ["image"], "output_names": ["masked"]}
    axes = {"image": {0: "N"}, "masked": {0: "N"}}
    torch.onnx.export(product, (sample,), str(file), opset_version=OPSET, dynamic_axes=axes, dynamo=False, **names)


def to_onnx(network: torch.nn.Module, file: Path) -> None:
    """The traced graph as it ships, with fp16 weights."""
    trace(network, file)
    graph = onnx.load(str(file))
    narrow(graph)
    onnx.checker.check_model(graph)
    onnx.save(graph, str(file))


def narrow(model: onnx.ModelProto) -> None:
    """Keeps big float32 weights as fp16 behind a Cast, which ONNX Runtime folds at load."""
    graph, casts = model.graph, []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or int(np.prod(tensor.dims)) < 256:
            continue
        wide, name = numpy_helper.to_array(tensor), tensor.name
        tensor.CopyFrom(numpy_helper.from_array(wide.astype(np.float16), f"{name}.fp16"))
        casts.append(helper.make_node("Cast", [f"{name}.fp16"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def open_model(file: Path, threads: int = 0) -> onnxruntime.InferenceSession:
    """The graph on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def probabilities(session: onnxruntime.InferenceSession, pictures: np.ndarray, batch: int = 32) -> np.ndarray:
    """float32 [N]."""
    parts = [session.run(["masked"], {"image": pictures[i : i + batch]})[0] for i in range(0, len(pictures), batch)]
    return np.concatenate(parts)
