"""Reads a SEG with pydicom and prints, as JSON, which voxels each frame holds and where the frame lies.

Usage: segmentation-voxels.py FILE
Output: [{"position": [x, y, z], "orientation": [...], "source": UID, "runs": [[start, end], ...]}, ...], one per frame;
runs are half-open ranges of set voxels (of a fractional SEG: above one half) in row-major order.
"""

import json
import sys

import numpy
import pydicom

seg = pydicom.dcmread(sys.argv[1])
shared = seg.SharedFunctionalGroupsSequence[0]
pixels = seg.pixel_array.reshape(int(seg.NumberOfFrames), -1)
if seg.SegmentationType == "FRACTIONAL":
    pixels = pixels > seg.MaximumFractionalValue / 2
frames = []
for pixel_row, groups in zip(pixels, seg.PerFrameFunctionalGroupsSequence):
    edges = numpy.flatnonzero(numpy.diff(numpy.concatenate([[0], pixel_row, [0]]).astype(int)))
    frames.append(
        {
            "position": [float(v) for v in groups.PlanePositionSequence[0].ImagePositionPatient],
            "orientation": [float(v) for v in shared.PlaneOrientationSequence[0].ImageOrientationPatient],
            "source": groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID,
            "runs": edges.reshape(-1, 2).tolist(),
        }
    )
json.dump(frames, sys.stdout)
