"""Writes the pickles beside it: one dictionary of arrays by each protocol, with the names of numpy 2 and of numpy 1."""
import pathlib
import pickle

import numpy

folder = pathlib.Path(__file__).parent
rows = numpy.array([[0, 1, -2.5], [128.25, 3e38, -1e-30]], numpy.float32)
value = {
    "model": {
        "rows": rows,
        "columns_first": numpy.asfortranarray(rows),
        "every_second": rows[:, ::2],
        "scalar": numpy.array(7.5),
        "numbers": numpy.array([-1, 2**40]),
        "bytes": numpy.arange(250, 256, dtype=numpy.uint8),
    },
    "__author__": "someone",
}
for protocol in range(2, 6):
    (folder / f"protocol{protocol}.pkl").write_bytes(pickle.dumps(value, protocol))
# The two names have different lengths; only protocols without frames and lengths of names can be changed so.
numpy1 = pickle.dumps(value, 2).replace(b"cnumpy._core.", b"cnumpy.core.")
(folder / "numpy1.pkl").write_bytes(numpy1)
