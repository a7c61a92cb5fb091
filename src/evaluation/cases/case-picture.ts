import { createCanvas, ImageData, type SKRSContext2D } from '@napi-rs/canvas';
import type { Size, Volume } from '../../dicom/volume.ts';
import { ABDOMEN_WINDOW, percentileWindow, toGrey } from '../../pictures/grey-window.ts';
import { type BorderSegment, outline } from '../../pictures/outline.ts';
import { length, type View, viewAt, viewPixels } from '../../pictures/views.ts';
import { isSameGrid, resampled } from '../sources/grids.ts';
import { loadImage, loadMask } from '../sources/load.ts';
import type { CaseSource, MaskReading } from '../sources/sources.ts';

/** Colours that the colour-blind tell apart on grey (Okabe and Ito). */
export const OUTLINES = { label: '#56b4e9', prediction: '#ffb000' } as const;

/** Pixels of the longer side. */
const SIDE = 360;
/** Around both masks, mm. */
const MARGIN_MM = 25;

/**
 * The axial plane in which prediction and label differ most, as a PNG: cut to both with a margin, in true
 * proportions, as radiologists look at it, with both outlines. Undefined where both masks are empty. Without
 * an image the outlines are on black.
 */
export async function pictureOf(
  source: CaseSource,
  reading: MaskReading,
  isCt: boolean,
): Promise<Uint8Array | undefined> {
  const { image, label, prediction } = source;
  if (!label || !prediction) return undefined;
  const loaded = image && (await loadImage(image));
  const labelled = await loadMask(label, reading.labelValues, loaded?.series);
  const predicted = await loadMask(prediction, reading.predictionValues, loaded?.series);
  const other = isSameGrid(labelled, predicted)
    ? predicted.voxels
    : resampled(predicted.voxels, predicted, labelled);
  const { size, affine } = labelled;
  const axial = viewAt('axial', [0, 0, 0], size, affine);
  const plane = planeOfMostDifference(size, axial.normal, labelled.voxels, other);
  if (plane === undefined) return undefined;
  const at = [0, 0, 0] as [number, number, number];
  at[axial.normal] = plane;
  const view = viewAt('axial', at, size, affine);
  const hasImage = loaded !== undefined && loaded.volume.voxels.length === labelled.voxels.length;
  const grey = hasImage ? greyOf(loaded.volume, labelled.voxels, view, isCt) : undefined;
  return drawn(view, grey, [
    [viewPixels(labelled.voxels, view), OUTLINES.label],
    [viewPixels(other, view), OUTLINES.prediction],
  ]);
}

function greyOf(volume: Volume, mask: Uint8Array, view: View, isCt: boolean): Uint8ClampedArray {
  return toGrey(
    viewPixels(volume.voxels, view),
    isCt ? ABDOMEN_WINDOW : percentileWindow(volume.voxels, mask),
  );
}

/** Where equal, the plane with most of both. */
function planeOfMostDifference(
  size: Size,
  normal: 0 | 1 | 2,
  a: Uint8Array,
  b: Uint8Array,
): number | undefined {
  const [nx, ny] = size;
  const scores = new Float64Array(size[normal]);
  for (let i = 0; i < a.length; i++) {
    if (a[i] === 0 && b[i] === 0) continue;
    const place = normal === 0 ? i % nx : normal === 1 ? Math.floor(i / nx) % ny : Math.floor(i / (nx * ny));
    // A voxel that both have counts little, only among equals.
    scores[place] = (scores[place] ?? 0) + (a[i] === b[i] ? 1e-6 : 1);
  }
  const most = Math.max(...scores);
  return most > 0 ? scores.indexOf(most) : undefined;
}

function drawn(
  view: View,
  grey: Uint8ClampedArray | undefined,
  masks: readonly (readonly [Float32Array, string])[],
): Uint8Array {
  const { width, height } = view;
  const [mmPerColumn, mmPerRow] = [length(view.right), length(view.down)];
  const borders = masks.map(([mask, colour]) => ({ border: outline(mask, width, height), colour }));
  const ends = borders.flatMap(({ border }) => border.flatMap(({ from, to }) => [from, to]));
  const range = (axis: 0 | 1, mm: number, most: number): [number, number] => {
    const values = ends.map((end) => end[axis]);
    const margin = MARGIN_MM / mm;
    return [
      Math.max(0, Math.floor(Math.min(...values) - margin)),
      Math.min(most, Math.ceil(Math.max(...values) + margin)),
    ];
  };
  const [left, right] = range(0, mmPerColumn, width);
  const [top, bottom] = range(1, mmPerRow, height);
  const [mmWide, mmHigh] = [(right - left) * mmPerColumn, (bottom - top) * mmPerRow];
  const scale = SIDE / Math.max(mmWide, mmHigh);
  const canvas = createCanvas(
    Math.max(1, Math.round(mmWide * scale)),
    Math.max(1, Math.round(mmHigh * scale)),
  );
  const ctx = canvas.getContext('2d');
  ctx.fillStyle = '#000000';
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.setTransform(
    mmPerColumn * scale,
    0,
    0,
    mmPerRow * scale,
    -left * mmPerColumn * scale,
    -top * mmPerRow * scale,
  );
  if (grey) {
    const pixels = createCanvas(width, height);
    pixels.getContext('2d').putImageData(new ImageData(grey, width, height), 0, 0);
    ctx.imageSmoothingQuality = 'high';
    ctx.drawImage(pixels, 0, 0);
  }
  for (const { border, colour } of borders) stroke(ctx, border, colour, scale * mmPerColumn);
  return canvas.toBuffer('image/png');
}

function stroke(
  ctx: SKRSContext2D,
  border: readonly BorderSegment[],
  colour: string,
  pixelsPerUnit: number,
): void {
  ctx.beginPath();
  for (const { from, to } of border) {
    ctx.moveTo(from[0], from[1]);
    ctx.lineTo(to[0], to[1]);
  }
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.6 / pixelsPerUnit;
  ctx.lineCap = 'square';
  ctx.stroke();
}
