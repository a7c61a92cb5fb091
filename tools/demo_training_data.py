"""The training set of the demo models: abdomens that tools/render-training-set.ts brought to the networks' grid."""
import json
import os
import time

import numpy as np
import torch

from demo_training_loss import mask_voxels

CONTRASTS = ('CT', 'T1W', 'T2W')
TARGET_SPACING = (4.0, 3.0, 3.0)  # z, y, x in mm
PATCH = (48, 64, 96)


class Case:
    """One scan on the network grid, normalized, and what the network should say there (255 for the whole voxel)."""

    def __init__(self, stem, ct):
        with open(stem + '.json') as f:
            facts = json.load(f)
        self.seed, self.contrast, shape = facts['seed'], facts['contrast'], facts['shape']
        image = np.fromfile(stem + '.image.raw', np.int16).reshape(shape).astype(np.float32)
        if self.contrast == 'CT':
            image = (np.clip(image, ct['percentile_00_5'], ct['percentile_99_5']) - ct['mean']) / ct['sd']
        else:
            image = (image - image.mean()) / (image.std() + 1e-8)
        self.image = image.astype(np.float16)
        share = np.fromfile(stem + '.share.raw', np.uint8).reshape(shape)
        inside = np.argwhere(share > 0)
        self.low, self.high = inside.min(0), inside.max(0)
        around = tuple(slice(max(0, a - 2), b + 3) for a, b in zip(self.low, self.high))
        self.share = fit_share(share, around, facts['volumeMl'] / facts['voxelMl'], facts['slicesApart'])


def fit_share(share, around, voxels, slices_apart):
    """The shares raised to the power with which the mask that the export cuts from them has the gland's true volume.
    Interpolating between voxels and cutting at one half rounds a gland off: shares as they are lose 1 to 4 % of it."""
    part = torch.from_numpy(share[around].astype(np.float32) / 255)[None]
    low, high = 0.3, 1.5
    for _ in range(10):
        power = (low + high) / 2
        low, high = (low, power) if float(mask_voxels(part ** power, None, slices_apart)) < voxels else (power, high)
    levels = np.round(255 * (np.arange(256) / 255) ** ((low + high) / 2)).astype(np.uint8)
    return levels[share]


class TrainingSet:
    """Cases by seed. A case that the renderer hasn't finished is waited for, so that the order never depends on time."""

    def __init__(self, folder, contrast, ct):
        self.folder, self.contrast, self.ct = folder, contrast, ct
        self.cases, self.volumes = {}, {}

    def case(self, seed):
        if seed not in self.cases:
            self.cases[seed] = Case(self.rendered(seed), self.ct)
        return self.cases[seed]

    def rendered(self, seed):
        stem = os.path.join(self.folder, f'{seed}-{self.contrast}')
        while not os.path.exists(stem + '.json'):
            time.sleep(2)
        return stem

    def shares_of(self, seeds, power):
        """How often each seed's case is drawn: volume ** -power, or alike where the power is 0."""
        if power == 0:
            return None
        for seed in seeds:
            if seed not in self.volumes:
                with open(self.rendered(seed) + '.json') as f:
                    self.volumes[seed] = json.load(f)['volumeMl']
        weights = np.array([self.volumes[seed] for seed in seeds]) ** -power
        return weights / weights.sum()


def crop(case, start):
    """A patch from `start` (z, y, x, may lie partly outside): zero-padded, as nnU-Net pads after normalization."""
    patch, share = np.zeros(PATCH, np.float32), np.zeros(PATCH, np.float32)
    source = tuple(slice(max(0, s), min(n, s + p)) for s, p, n in zip(start, PATCH, case.image.shape))
    goal = tuple(slice(max(0, -s), max(0, -s) + max(0, src.stop - src.start)) for s, src in zip(start, source))
    patch[goal] = case.image[source]
    share[goal] = case.share[source] / np.float32(255)
    return patch, share


def central_start(case):
    """Where a patch starts that has the gland in its middle, as far as the image allows."""
    middle = (case.low + case.high) // 2
    room = [n - p for n, p in zip(case.image.shape, PATCH)]
    return [int(np.clip(m - p // 2, min(0, r), max(0, r))) for m, p, r in zip(middle, PATCH, room)]


# Shares of the patches around the gland's middle, and of those around one of its voxels; the rest lie anywhere.
CENTRAL, PARTIAL = 0.5, 0.3


def sample(case, rng):
    """A random augmented patch: place, mirror images, brightness, contrast and noise vary."""
    room = [n - p for n, p in zip(case.image.shape, PATCH)]
    kind = rng.random()
    if kind < CENTRAL:
        start = [s + int(rng.integers(-p // 8, p // 8 + 1)) for s, p in zip(central_start(case), PATCH)]
    elif kind < CENTRAL + PARTIAL:
        corner = [rng.integers(a, b + 1) for a, b in zip(case.low, case.high)]
        start = [int(v - rng.uniform(0.1, 0.9) * p) for v, p in zip(corner, PATCH)]
    else:
        start = [int(rng.integers(min(0, r), max(0, r) + 1)) for r in room]
    start = [int(np.clip(s, min(0, r), max(0, r))) for s, r in zip(start, room)]
    patch, share = crop(case, start)
    for axis in range(3):
        if rng.random() < 0.5:
            patch, share = np.flip(patch, axis), np.flip(share, axis)
    if case.contrast == 'CT':
        patch = patch * rng.uniform(0.95, 1.05) + rng.uniform(-0.08, 0.08)
    else:
        patch = patch * rng.uniform(0.85, 1.18) + rng.uniform(-0.12, 0.12)
    noise = rng.uniform(0, 0.06) * rng.standard_normal(PATCH, dtype=np.float32)
    return np.ascontiguousarray(patch + noise, dtype=np.float32), np.ascontiguousarray(share)
