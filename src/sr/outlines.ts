import type { SourceSlice } from '../dicom/geometry/series-volume.ts';
import { nonEmptyPlanes } from '../dicom/pixels/bit-packing.ts';
import type { ResultContext } from '../results/result-context.ts';
import { isFormat3 } from '../results/result-format.ts';
import type { ImagePoint } from './content-item.ts';
import { type Outlined, outerBorders } from './outer-border.ts';

/** One part of the pancreas in one image. */
interface SlicedOutline extends Outlined {
  readonly slice: SourceSlice;
}

interface CenterPoint {
  readonly point: ImagePoint;
  readonly slice: SourceSlice;
}

export interface Outlines {
  /** The largest first. */
  readonly kept: readonly SlicedOutline[];
  /** How many there are. */
  readonly total: number;
}

/**
 * What the outlines of a report may take: more than any whole gland has in slices of a millimetre. Fragments
 * by the thousand would make reports that validators cannot hold in memory. An FL holds 8191 points (PS3.5
 * 7.1.2).
 */
const MOST = { outlines: 400, points: 40_000 } as const;
const MOST_IN_FORMAT_3 = { outlines: 40, points: 4000 } as const;

/** The pancreas by its outlines on the images, as many as there is room for. */
export function outlinesOf(context: ResultContext): Outlines {
  const { series, mask } = context;
  const { size } = series.volume;
  const planeLength = size[0] * size[1];
  const sections = nonEmptyPlanes(mask, planeLength).flatMap((plane) => {
    const slice = series.slices[plane];
    return slice ? [{ slice, section: mask.subarray(plane * planeLength, (plane + 1) * planeLength) }] : [];
  });
  const all = sections.flatMap(({ slice, section }) =>
    outerBorders(section, size[0]).map((part) => ({ ...part, slice })),
  );
  if (isFormat3(context)) return { kept: largest(all, MOST_IN_FORMAT_3), total: all.length };
  const [only] = sections;
  if (all.length > 1 || !only) return { kept: largest(all, MOST), total: all.length };
  // A lone outline is a planar region (TID 1410), but this is a volume: it is written in two halves.
  const split = halvesOf(only.section, size[0]);
  const halves =
    split.length > 0 ? split.flatMap((half) => outerBorders(half, size[0])) : all.flatMap(halvesOfPixel);
  return {
    kept: largest(
      halves.map((half) => ({ ...half, slice: only.slice })),
      MOST,
    ),
    total: halves.length,
  };
}

/**
 * A point inside of the largest outline: in the row of its middle, the middle of the longest stretch, so that
 * it lies on the pancreas whatever its shape.
 */
export function centerOf({ kept: [largestPart] }: Outlines): CenterPoint | undefined {
  if (!largestPart) return undefined;
  const { border, slice } = largestPart;
  const rows = border.map(([, row]) => row);
  const row = Math.floor((Math.min(...rows) + Math.max(...rows) - 1) / 2) + 0.5;
  const crossings = border
    .filter(([, from], corner) => {
      const to = border[corner + 1]?.[1] ?? from;
      return Math.min(from, to) < row && Math.max(from, to) > row;
    })
    .map(([column]) => column)
    .sort((a, b) => a - b);
  const stretches = crossings.flatMap((from, i) =>
    i % 2 === 0 ? [[from, crossings[i + 1] ?? from] as const] : [],
  );
  const [longest] = stretches.sort((a, b) => b[1] - b[0] - (a[1] - a[0]));
  return longest && { point: [(longest[0] + longest[1]) / 2, row], slice };
}

/** The left and the right half of a single pixel. */
function halvesOfPixel({ border, pixels }: Outlined): Outlined[] {
  const [[left, top] = [0, 0]] = border;
  return [left, left + 0.5].map((start) => ({
    pixels,
    border: [
      [start, top],
      [start + 0.5, top],
      [start + 0.5, top + 1],
      [start, top + 1],
      [start, top],
    ],
  }));
}

/** The upper and the lower rows, of a single row the left and the right part; none of a single pixel. */
function halvesOf(section: Uint8Array, width: number): Uint8Array[] {
  const pixels = [...section.keys()].filter((index) => section[index] !== 0);
  const [first = 0] = pixels;
  const last = pixels.at(-1) ?? first;
  if (first === last) return [];
  const [top, bottom] = [first, last].map((pixel) => Math.floor(pixel / width)) as [number, number];
  // A part of one row has its pixels side by side.
  const end = top === bottom ? Math.ceil((first + last) / 2) : width * Math.ceil((top + bottom) / 2);
  return [
    section.map((value, index) => (index < end ? value : 0)),
    section.map((value, index) => (index < end ? 0 : value)),
  ];
}

/**
 * The largest parts that there is room for; one that takes more room than is left makes way for smaller ones.
 */
function largest(
  parts: readonly SlicedOutline[],
  most: { outlines: number; points: number },
): SlicedOutline[] {
  const kept: SlicedOutline[] = [];
  let points = 0;
  for (const part of parts.toSorted((a, b) => b.pixels - a.pixels)) {
    if (kept.length === most.outlines) break;
    if (points + part.border.length > most.points) continue;
    points += part.border.length;
    kept.push(part);
  }
  return kept;
}
