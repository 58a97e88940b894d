"""Write the int8 matrix product that exact search runs on.

    python tools/product_graph.py src/lookalike/models/int8_product.onnx

Needs the extra ``lab``.
"""

from __future__ import annotations

import sys

import onnx
from onnx import TensorProto, helper


def main() -> None:
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["product"])],
        "int8_product",
        [
            helper.make_tensor_value_info("a", TensorProto.UINT8, ["n", "d"]),
            helper.make_tensor_value_info("b", TensorProto.INT8, ["d", "m"]),
        ],
        [helper.make_tensor_value_info("product", TensorProto.INT32, ["n", "m"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, sys.argv[1])


if __name__ == "__main__":
    main()
