"""What the demo models are trained to minimize: a voxel's share of pancreas, and the volume of the finished mask."""
import math

import torch
import torch.nn.functional as F

DEEP_WEIGHTS = (1.0, 0.3, 0.15)
OVERLAP_WEIGHT = 0.3
# How steeply the finished mask's threshold at 0.5 is followed: a probability this far from it counts as decided.
SOFTNESS = 0.05
# Below this many voxels of pancreas a patch says little about the volume.
FEWEST_VOXELS = 150


def share_loss(logits, share):
    """Cross-entropy per voxel of pancreas plus squared Dice. Both are least where the probability is the true share."""
    log_p = torch.log_softmax(logits, dim=1)
    axes = (1, 2, 3)
    log_in, log_out = log_p[:, 1], log_p[:, 0]
    p, amount = log_in.exp(), share.sum(axes)
    entropy = -(share * log_in + (1 - share) * log_out).sum(axes) / (amount + 200)
    dice = (2 * (p * share).sum(axes) + 1) / (p.square().sum(axes) + share.square().sum(axes) + 1)
    return (entropy + OVERLAP_WEIGHT * (1 - dice)).mean()


def deep_loss(logits, share):
    """The share's loss at every depth of the decoder."""
    total = 0
    for weight, output in zip(DEEP_WEIGHTS, logits):
        factor = share.shape[-1] // output.shape[-1]
        part = share if factor == 1 else F.avg_pool3d(share[:, None], factor)[:, 0]
        total = total + weight * share_loss(output.float(), part)
    return total / sum(DEEP_WEIGHTS)


def mask_voxels(probability, softness=SOFTNESS, slices_apart=False):
    """How many voxels the mask will have: the export interpolates the probability between voxels and cuts at 0.5.
    Probabilities alone don't tell: their sum can be right and the mask of a thin gland too small. With slices apart, the
    export interpolates within slices only."""
    factor = (1 if slices_apart else 2, 2, 2)
    fine = F.interpolate(probability[:, None], scale_factor=factor, mode='trilinear', align_corners=False)[:, 0]
    cut = torch.sigmoid((fine - 0.5) / softness) if softness else (fine > 0.5).float()
    return cut.sum((1, 2, 3)) / math.prod(factor)


def volume_loss(logits, share):
    """Squared relative error of the mask's volume: least where the mean of what is measured is what is true."""
    amount = mask_voxels(share)
    error = (mask_voxels(torch.softmax(logits.float(), dim=1)[:, 1]) - amount) / amount.clamp(min=FEWEST_VOXELS)
    return error.square().clamp(max=0.25).mean()
