"""Reads a SEG with pydicom and prints, as JSON, which voxels each frame holds, where the frame lies, and the volume.

Usage: segmentation-voxels.py FILE
Output: {"volumeMl": number, "frames": [{"position": [x, y, z], "source": UID, "sourceFrame": number or null,
"runs": [[start, end], ...]}, ...]}; runs are half-open ranges of set voxels (of a fractional SEG: above one half) in
row-major order.
"""

import json
import sys

import numpy
import pydicom

seg = pydicom.dcmread(sys.argv[1])
measures = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
pixels = seg.pixel_array.reshape(int(seg.NumberOfFrames), -1)
if seg.SegmentationType == "FRACTIONAL":
    pixels = pixels > seg.MaximumFractionalValue / 2
frames = []
for pixel_row, groups in zip(pixels, seg.PerFrameFunctionalGroupsSequence):
    edges = numpy.flatnonzero(numpy.diff(numpy.concatenate([[0], pixel_row, [0]]).astype(int)))
    source = groups.DerivationImageSequence[0].SourceImageSequence[0]
    frames.append(
        {
            "position": [float(v) for v in groups.PlanePositionSequence[0].ImagePositionPatient],
            "source": source.ReferencedSOPInstanceUID,
            "sourceFrame": int(source.ReferencedFrameNumber) if "ReferencedFrameNumber" in source else None,
            "runs": edges.reshape(-1, 2).tolist(),
        }
    )
voxel = float(measures.PixelSpacing[0]) * float(measures.PixelSpacing[1]) * float(measures.SpacingBetweenSlices)
json.dump({"volumeMl": float(numpy.count_nonzero(pixels)) * voxel / 1000, "frames": frames}, sys.stdout)
