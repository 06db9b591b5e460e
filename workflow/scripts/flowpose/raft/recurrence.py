"""RAFT's recurrent updates, with what they share computed once."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torchvision.models.optical_flow.raft import ConvGRU, UpdateBlock


class Updates:
    """The update block for one context.

    The convolutions of the gates are linear, so that the context's share in them, the same in
    every update, is computed once and added. The numbers are those of torchvision's UpdateBlock,
    and so are the gradients, to rounding.
    """

    def __init__(self, block: UpdateBlock, context: Float[Tensor, "b c h w"]) -> None:
        self._block = block
        units = (block.recurrent_block.convgru1, block.recurrent_block.convgru2)
        # The small RAFT has a plain function in place of the second.
        self._units = [_Unit(unit, context) for unit in units if isinstance(unit, ConvGRU)]

    def __call__(
        self,
        hidden: Float[Tensor, "b k h w"],
        correlation: Float[Tensor, "b n h w"],
        flow: Float[Tensor, "b 2 h w"],
    ) -> tuple[Float[Tensor, "b k h w"], Float[Tensor, "b 2 h w"]]:
        """The next hidden state, and what to add to the flow, cells."""
        motion = self._block.motion_encoder(flow.to(hidden.dtype), correlation.to(hidden.dtype))
        for unit in self._units:
            hidden = unit(hidden, motion)
        return hidden, self._block.flow_head(hidden)


class _Unit:
    """A gated recurrent unit for one context; its two gates are one convolution."""

    def __init__(self, unit: ConvGRU, context: Float[Tensor, "b c h w"]) -> None:
        self._gates = _Convolution([unit.convz, unit.convr], context)
        self._candidate = _Convolution([unit.convq], context)

    def __call__(
        self, hidden: Float[Tensor, "b k h w"], motion: Float[Tensor, "b m h w"]
    ) -> Float[Tensor, "b k h w"]:
        update, reset = self._gates(hidden, motion).sigmoid_().chunk(2, 1)
        candidate = self._candidate(reset * hidden, motion).tanh_()
        return torch.lerp(hidden, candidate, update)


class _Convolution:
    """Convolutions over hidden state, context and motion, as one and for one context."""

    def __init__(self, convolutions: list[nn.Conv2d], context: Float[Tensor, "b c h w"]) -> None:
        weight = torch.cat([convolution.weight for convolution in convolutions])
        bias = torch.cat([c.bias for c in convolutions if c.bias is not None])
        self._padding = convolutions[0].padding
        n_hidden = convolutions[0].out_channels
        hidden, shared, motion = weight.tensor_split((n_hidden, n_hidden + context.shape[1]), 1)
        self._weight = torch.cat([hidden, motion], 1).to(context.dtype)
        self._of_context = conv2d(context, shared, bias, padding=self._padding)

    def __call__(
        self, hidden: Float[Tensor, "b k h w"], motion: Float[Tensor, "b m h w"]
    ) -> Float[Tensor, "b out h w"]:
        changing = torch.cat([hidden, motion], 1)
        return conv2d(changing, self._weight, padding=self._padding).add_(self._of_context)
