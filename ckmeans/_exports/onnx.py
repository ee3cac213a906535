"""Models as ONNX graphs, which other runtimes and languages execute."""

from typing import Any

import numpy as np

from .._input.optional_packages import need
from .._output.files import write_atomically
from . import centers_of, divisors_of, nearest_center_model

#: The version of the operators, and of the file format: old enough for runtimes of 2022.
OPSET, IR = 17, 8


def to_onnx(model: Any, path: Any = None) -> Any:
    """The model as an ONNX graph that labels rows and gives their distances.

    Parameters
    ----------
    model : KMeans or MiniBatchKMeans
        Fitted.
    path : str, path-like or None, default=None
        A file to write instead of returning the graph.

    Returns
    -------
    graph : onnx.ModelProto
        Only without `path`. Its input "X" is (n, d), float32 for a float32 model and float64
        otherwise; its outputs are "labels" (n,), int64, and "distances" (n, k), float64.

    Raises
    ------
    ImportError
        onnx is not installed.

    Notes
    -----
    The graph sums squared differences in float64, in the order of the features. This is how
    `predict` decides, so labels equal those of `predict`, ties included. With ``metric="cosine"``
    rows are scaled to unit length first, and rows that are equally near to two centers up to
    rounding may get another label. The graph computes all k distances of every row and stores n x k
    numbers: it is made for equal labels, not for speed.
    """
    onnx = need("onnx", "to_onnx")
    nearest_center_model(model, "an ONNX graph")
    graph = onnx.helper.make_model(
        _graph(onnx, model),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="ckmeans",
    )
    names = getattr(model, "feature_names_in_", None)
    if names is not None:
        import json

        onnx.helper.set_model_props(
            graph, {"feature_names": json.dumps([str(name) for name in names])}
        )
    onnx.checker.check_model(graph)
    if path is None:
        return graph
    with write_atomically(path) as file:
        file.write(graph.SerializeToString())


def _graph(onnx: Any, model: Any) -> Any:
    """X -> labels, distances."""
    node, constant = onnx.helper.make_node, onnx.numpy_helper.from_array
    double = onnx.TensorProto.DOUBLE
    centers = centers_of(model)
    k, d = centers.shape
    single = np.asarray(model.cluster_centers_).dtype == np.float32
    nodes = [node("Cast", ["X"], ["as_double"], to=double)]
    rows = "as_double"
    divisors = divisors_of(model)
    if divisors is not None:
        nodes.append(node("Div", [rows, "scale"], ["scaled"]))
        rows = "scaled"
    if model.metric == "cosine":
        nodes += _unit_rows(onnx)
        rows = "unit"
    nodes += [
        node("Transpose", [rows], ["columns"], perm=[1, 0]),  # (d, n): a Scan runs along axis 0
        node("Shape", ["X"], ["n"], end=1),
        node("Concat", ["n", "k"], ["shape"], axis=0),
        node("ConstantOfShape", ["shape"], ["none"], value=constant(np.zeros(1))),
        node(
            "Scan",
            ["none", "columns", "center_columns"],
            ["sums"],
            num_scan_inputs=2,
            body=_step(onnx, k),
        ),
    ]
    if model.metric == "cosine":
        nodes += [
            node("Mul", ["sums", "half"], ["halves"]),  # of unit vectors: 1 - cosine
            node("Where", ["directionless", "one", "halves"], ["distances"]),
        ]
    else:
        nodes.append(node("Sqrt", ["sums"], ["distances"]))
    decides = "distances" if model.metric == "cosine" else "sums"
    nodes.append(node("ArgMin", [decides], ["labels"], axis=1, keepdims=0, select_last_index=0))
    kind = onnx.TensorProto.FLOAT if single else double
    value = onnx.helper.make_tensor_value_info
    return onnx.helper.make_graph(
        nodes,
        "kmeans",
        [value("X", kind, ["n", d])],
        [
            value("labels", onnx.TensorProto.INT64, ["n"]),
            value("distances", double, ["n", k]),
        ],
        [
            constant(np.ascontiguousarray(centers.T), "center_columns"),
            constant(np.array([k], dtype=np.int64), "k"),
            *([] if divisors is None else [constant(divisors, "scale")]),
            *(
                constant(value, name)
                for name, value in _CONSTANTS.items()
                if model.metric == "cosine"
            ),
        ],
    )


def _step(onnx: Any, k: int) -> Any:
    """One feature of a Scan: sums (n, k) += (x (n,) - c (k,))**2."""
    node, value, double = (
        onnx.helper.make_node,
        onnx.helper.make_tensor_value_info,
        onnx.TensorProto.DOUBLE,
    )
    axis = onnx.numpy_helper.from_array(np.array([1], dtype=np.int64), "axis")
    return onnx.helper.make_graph(
        [
            node("Unsqueeze", ["x", "axis"], ["x_column"]),
            node("Sub", ["x_column", "c"], ["difference"]),
            node("Mul", ["difference", "difference"], ["square"]),
            node("Add", ["sums_in", "square"], ["sums_out"]),
        ],
        "add_feature",
        [value("sums_in", double, None), value("x", double, None), value("c", double, [k])],
        [value("sums_out", double, None)],
        [axis],
    )


#: Constants of the nodes that scale rows to unit length, by name.
_CONSTANTS = {
    "half": np.array(0.5),
    "one": np.array(1.0),
    "zero": np.array(0.0),
    "features": np.array([1], dtype=np.int64),
}


def _unit_rows(onnx: Any) -> Any:
    """as_double -> unit, directionless: rows scaled to unit length, and which rows are all zeros;
    those stay as they are.
    """
    node = onnx.helper.make_node
    return [
        node("Abs", ["as_double"], ["magnitudes"]),
        node("ReduceMax", ["magnitudes"], ["largest"], axes=[1], keepdims=1),
        node("Equal", ["largest", "zero"], ["directionless"]),
        node("Where", ["directionless", "one", "largest"], ["sizes"]),
        node(
            "Div", ["as_double", "sizes"], ["sized"]
        ),  # so that squares neither over- nor underflow
        node("Mul", ["sized", "sized"], ["squares"]),
        node("ReduceSum", ["squares", "features"], ["sq_norms"], keepdims=1),
        node("Sqrt", ["sq_norms"], ["norms"]),
        node("Where", ["directionless", "one", "norms"], ["divisors"]),
        node("Div", ["sized", "divisors"], ["unit"]),
    ]
