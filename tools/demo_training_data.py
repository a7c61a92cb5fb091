"""The training set of the demo models: rendered abdomens, resampled and normalized as nnU-Net v1 does it at inference."""
import glob
import json
import os

import numpy as np
from scipy import ndimage

CONTRASTS = ('CT', 'T1W', 'T2W')
TARGET_SPACING = (4.0, 3.0, 3.0)  # z, y, x in mm
PATCH = (48, 64, 96)


def resample(image, shape):
    """Cubic spline over the same extent, edges repeated, clipped to the input's range (skimage's resize in nnU-Net v1)."""
    zoomed = ndimage.zoom(image.astype(np.float64), np.divide(shape, image.shape), order=3, mode='nearest', grid_mode=True)
    return np.clip(zoomed, image.min(), image.max()).astype(np.float32)


class Case:
    """One rendered volume on the network grid, not yet normalized, and the share of each voxel that is pancreas.

    `inside` samples the pancreas on the acquisition grid.
    """

    def __init__(self, stem):
        with open(stem + '.json') as f:
            facts = json.load(f)
        self.seed, self.contrast = facts['seed'], facts['contrast']
        size, network_size = facts['size'][::-1], facts['networkSize'][::-1]
        image = np.fromfile(stem + '.image.raw', np.int16).reshape(size)
        mask = np.fromfile(stem + '.mask.raw', np.uint8).reshape(size)
        self.inside = image[mask > 0][::7]
        self.share = np.fromfile(stem + '.network-share.raw', np.uint8).reshape(network_size).astype(np.float32) / 255
        cached = stem + '.network.npy'
        if os.path.exists(cached):
            self.image = np.load(cached)
        else:
            self.image = resample(image, network_size)
            np.save(cached, self.image)
        self.voxels = np.argwhere(self.share >= 0.5)

    def normalized(self, ct):
        if self.contrast == 'CT':
            clipped = np.clip(self.image, ct['percentile_00_5'], ct['percentile_99_5'])
            return (clipped - ct['mean']) / ct['sd']
        return (self.image - self.image.mean()) / (self.image.std() + 1e-8)


def foreground_statistics(cases):
    """nnU-Net's intensity properties of the pancreas over the CT cases."""
    values = np.concatenate([case.inside for case in cases]).astype(np.float64)
    return {'mean': float(values.mean()), 'sd': float(values.std()), 'median': float(np.median(values)),
            'mn': float(values.min()), 'mx': float(values.max()),
            'percentile_00_5': float(np.percentile(values, 0.5)), 'percentile_99_5': float(np.percentile(values, 99.5))}


def stems(folder, contrast, seeds=None):
    """Finished cases of a folder, in the order of their seeds; rendering may still go on."""
    found = sorted(glob.glob(os.path.join(folder, f'*-{contrast}.json')), key=lambda p: int(os.path.basename(p).split('-')[0]))
    return [p[:-5] for p in found if seeds is None or int(os.path.basename(p).split('-')[0]) in seeds]


def crop(image, share, start):
    """A patch from `start` (z, y, x, may lie partly outside): zero-padded, as nnU-Net pads after normalization."""
    patch, target = np.zeros(PATCH, np.float32), np.zeros(PATCH, np.float32)
    source = tuple(slice(max(0, s), min(n, s + p)) for s, p, n in zip(start, PATCH, image.shape))
    goal = tuple(slice(max(0, -s), max(0, -s) + max(0, src.stop - src.start)) for s, src in zip(start, source))
    patch[goal] = image[source]
    target[goal] = share[source]
    return patch, target


def sample(case, image, rng):
    """A random augmented patch: two in three hold a chosen voxel of the pancreas; mirrored, brightness and noise varied."""
    room = [n - p for n, p in zip(image.shape, PATCH)]
    if rng.random() < 0.67:
        voxel = case.voxels[rng.integers(len(case.voxels))]
        start = [int(v - rng.uniform(0.1, 0.9) * p) for v, p in zip(voxel, PATCH)]
        start = [min(max(s, min(0, r)), max(0, r)) for s, r in zip(start, room)]
    else:
        start = [int(rng.integers(min(0, r), max(0, r) + 1)) for r in room]
    patch, target = crop(image, case.share, start)
    for axis in range(3):
        if rng.random() < 0.5:
            patch, target = np.flip(patch, axis), np.flip(target, axis)
    if case.contrast == 'CT':
        patch = patch * rng.uniform(0.9, 1.1) + rng.uniform(-0.15, 0.15)
    else:
        patch = patch * rng.uniform(0.8, 1.25) + rng.uniform(-0.2, 0.2)
    noise = rng.uniform(0, 0.12) * rng.standard_normal(PATCH, dtype=np.float32)
    return np.ascontiguousarray(patch + noise, dtype=np.float32), np.ascontiguousarray(target)
