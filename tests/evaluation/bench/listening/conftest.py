import numpy as np
import pytest


@pytest.fixture
def write_network():
    """A function that writes a network of windows of 100 samples to their highest, lowest and mean sample."""
    import onnx
    from onnx import TensorProto, helper

    def write(path, batch="batch", second_output=False):
        shape = [100] if batch is None else [batch, 100]
        axis = len(shape) - 1
        out_shape = [*shape[:-1], 3]
        axes = helper.make_tensor("axes", TensorProto.INT64, [1], [axis])
        names = {"ReduceMax": "highest", "ReduceMin": "lowest", "ReduceMean": "mean"}
        nodes = [helper.make_node(kind, ["wave", "axes"], [name], keepdims=1) for kind, name in names.items()]
        nodes.append(helper.make_node("Concat", list(names.values()), ["classes"], axis=axis))
        outputs = [helper.make_tensor_value_info("classes", TensorProto.FLOAT, out_shape)]
        if second_output:
            nodes.append(helper.make_node("Abs", ["wave"], ["embedding"]))
            outputs.append(helper.make_tensor_value_info("embedding", TensorProto.FLOAT, shape))
        given = [helper.make_tensor_value_info("wave", TensorProto.FLOAT, shape)]
        graph = helper.make_graph(nodes, "g", given, outputs, [axes])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        onnx.checker.check_model(model)
        onnx.save(model, path)
        return path

    return write


@pytest.fixture
def write_adapter(tmp_path, write_network):
    """A function that writes an adapter file of that network; keys that differ, or further lines of ``[score]``."""
    write_network(tmp_path / "net.onnx")

    def write(score="positive = [0]", **keys):
        said = {
            "name": '"Extremes"', "model": '"net.onnx"', "sample_rate": 1000, "window_samples": 100,
            "hop_samples": 50, "classes": 3, **keys,
        }  # fmt: skip
        lines = [f"{key} = {value}" for key, value in said.items() if value is not None]
        path = tmp_path / "adapter.toml"
        path.write_text("\n".join([*lines, "[score]", score]) + "\n")
        return path

    return write


@pytest.fixture
def wave():
    return np.random.default_rng(8).uniform(-1, 1, 1234).astype(np.float32)
