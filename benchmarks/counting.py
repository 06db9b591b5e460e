"""What a computation takes, counted operation by operation while nothing is computed.

The tensors are PyTorch's fake ones, which have shapes but no values, so that steps for which this
machine is too slow or too small can be counted too.
"""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten
_NOT_TOUCHING = {
    aten.empty,
    aten.empty_like,
    aten.empty_strided,
    aten.new_empty,
    aten.new_empty_strided,
    aten._unsafe_view,
}


class Counts(TorchDispatchMode):
    """Counts of what is done while it is active.

    Attributes:
        flops: of matrix products and convolutions; a product and its sum are two.
        operations: those that touch memory: on a GPU, about as many kernels.
        traffic_bytes: what operations read and write.
        live_bytes: of the tensors that exist.
        peak_bytes: the most that existed at a time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._storages: set[int] = set()
        self.reset()

    def reset(self) -> None:
        """Count from here; what exists already does not count."""
        self.flops = self.operations = self.traffic_bytes = 0
        self.live_bytes = self.peak_bytes = 0

    def __torch_dispatch__(self, function, _, arguments=(), options=None):
        options = options or {}
        outputs = function(*arguments, **options)
        made = _tensors(outputs)
        if count := flop_registry.get(function.overloadpacket):
            self.flops += count(*arguments, **options, out_val=outputs)
        if made and not (function.is_view or function.overloadpacket in _NOT_TOUCHING):
            self.operations += 1
            self.traffic_bytes += _touched(function, _tensors((arguments, options)), made)
        for tensor in made:
            self._keep(tensor.untyped_storage())
        return outputs

    def _keep(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata not in self._storages:
            self._storages.add(storage._cdata)
            self.live_bytes += storage.nbytes()
            self.peak_bytes = max(self.peak_bytes, self.live_bytes)
            weakref.finalize(storage, self._free, storage._cdata, storage.nbytes())

    def _free(self, key: int, n_bytes: int) -> None:
        self._storages.remove(key)
        self.live_bytes -= n_bytes


def _tensors(tree: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _touched(function: OpOverload, given: list[Tensor], made: list[Tensor]) -> int:
    """Bytes that an operation reads and writes, each once."""
    if function.overloadpacket is aten.grid_sampler_2d:  # four cells a sample
        return given[1].nbytes + 5 * made[0].nbytes
    if function.overloadpacket is aten.scatter_add_:  # one cell an index
        return given[1].nbytes + 3 * given[2].nbytes
    return sum(tensor.nbytes for tensor in (*given, *made))


@contextmanager
def counted() -> Iterator[Counts]:
    """Counts what torch does in the body, instead of doing it."""
    counts = Counts()
    with FakeTensorMode(), counts:
        yield counts
