"""Batch normalization whose statistics are those of the whole batch, also when processes share it."""

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn.functional import all_reduce


class SharedBatchNorm2d(nn.BatchNorm2d):
    """``BatchNorm2d`` over the batches of all processes, so that distributed training equals training in one process.

    ``torch.nn.SyncBatchNorm`` does the same on GPUs only. Outside distributed training this is ``BatchNorm2d``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalize ``(batch, channels, height, width)``."""
        if not (self.training and distributed.is_available() and distributed.is_initialized()):
            return super().forward(input)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        count = input.new_full((1,), input.numel() / input.shape[1])
        local = torch.cat([input.sum((0, 2, 3)), (input * input).sum((0, 2, 3)), count])
        total = all_reduce(local)
        sums, squares, count = total.split([self.num_features, self.num_features, 1])
        mean = sums / count
        variance = squares / count - mean * mean
        with torch.no_grad():
            momentum = self.momentum or 0.1
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(variance * count / (count - 1), momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        return input * scale[:, None, None] + shift[:, None, None]
