"""What nnU-Net v1 does around its network, step by step with the libraries that it uses; prints the seconds taken.

    python3 peer.py preprocessing|export JSON

JSON: folder, key, shape [z, y, x], spacing, target; repeats; for preprocessing also mean, sd, low, high. Reads KEY.int16
(preprocessing) or KEY.probability (export, float32, on the network's grid) and writes KEY.peer: float32 or uint8.
"""
import json
import os
import sys
import time

import numpy as np
from scipy.ndimage import binary_fill_holes, map_coordinates
from skimage.transform import resize


def separate_axis(first, second):
    for spacing in (np.array(first), np.array(second)):
        if spacing.max() / spacing.min() > 3:
            axes = np.where(spacing.max() / spacing == 1)[0]
            return int(axes[0]) if len(axes) == 1 else None
    return None


def resample(data, shape, order, axis):
    if data.shape == tuple(shape):
        return data
    options = {'order': order, 'mode': 'edge', 'anti_aliasing': False}
    exact = data.astype(float)
    if axis is None:
        return resize(exact, shape, **options).astype(data.dtype)
    plane = [length for i, length in enumerate(shape) if i != axis]
    resized = np.stack([resize(s, plane, **options) for s in np.moveaxis(exact, axis, 0)], axis)
    if resized.shape[axis] != shape[axis]:
        grid = np.mgrid[tuple(slice(0, length) for length in shape)]
        places = np.array([old / new * (g + 0.5) - 0.5 for old, new, g in zip(resized.shape, shape, grid)])
        resized = map_coordinates(resized, places, order=0, mode='nearest')
    return resized.astype(data.dtype)


def network_shape(case):
    return [int(np.round(a / b * n)) for a, b, n in zip(case['spacing'], case['target'], case['shape'])]


def preprocess(case, volume):
    inside = binary_fill_holes(volume != 0)
    box = tuple(slice(int(along.min()), int(along.max()) + 1) for along in np.where(inside))
    cropped = volume[box]
    data = resample(cropped, network_shape(case), 3, separate_axis(case['spacing'], case['target']))
    return (np.clip(data, case['low'], case['high']) - case['mean']) / case['sd']


def export(case, softmax):
    axis = separate_axis(case['spacing'], case['target'])
    resampled = np.stack([resample(probability, case['shape'], 1, axis) for probability in softmax])
    return resampled.argmax(0)


def main():
    part, case = sys.argv[1], json.loads(sys.argv[2])
    path = os.path.join(case['folder'], case['key'])
    if part == 'preprocessing':
        given = np.fromfile(path + '.int16', np.int16).astype(np.float32).reshape(case['shape'])
        step, kind = preprocess, np.float32
    else:
        foreground = np.fromfile(path + '.probability', np.float32).reshape(network_shape(case))
        given = np.stack([1 - foreground, foreground])
        step, kind = export, np.uint8
    totals = []
    for _ in range(case['repeats']):
        start = time.perf_counter()
        result = step(case, given)
        totals.append(time.perf_counter() - start)
    result.astype(kind).tofile(path + '.peer')
    print(json.dumps({'seconds': min(totals)}))


main()
