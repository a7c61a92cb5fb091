import type { ArrayPart, Box } from '../../array-view.ts';
import { type Array3, elements, type Shape3 } from '../../array3.ts';
import type { Spacing } from '../../resampling/resample.ts';
import { CLEAR_PROBABILITY, POSSIBLE_PROBABILITY } from '../../voxel-range.ts';
import type { ForwardTally } from '../forward-tally.ts';
import type { Networks } from '../networks.ts';
import type { WindowedImage } from '../windowed-image.ts';
import { Blend } from './blend.ts';
import { grown, overlap, unite } from './box.ts';
import { boxOf, organOf, type Part, partsOf } from './parts.ts';
import { missing } from './placement.ts';

export interface CloserLook {
  readonly patchSize: Shape3;
  readonly mirrorAxes: readonly number[];
  /** How far apart the pieces of one organ may lie, in voxels. */
  readonly reach: Shape3;
  readonly networks: Networks;
  readonly tally: ForwardTally;
  readonly signal?: AbortSignal | undefined;
}

/** Corners of the windows that an organ in a box is seen by. */
export type Place = (box: Box) => readonly Shape3[];

interface Organ {
  readonly part: ArrayPart;
  /** It, and where it was looked for. */
  readonly box: Box;
}

/**
 * The organ's probability, by windows that are placed on it and grow with it until none of it reaches beyond.
 * @param box where it was seen
 * @returns undefined where a closer look finds no organ in the box
 */
export async function segmentOrgan(
  image: WindowedImage,
  box: Box,
  place: Place,
  { patchSize, mirrorAxes, reach, networks, tally, signal }: CloserLook,
): Promise<Organ | undefined> {
  const { shape } = image;
  const blend = new Blend(image, patchSize, mirrorAxes, { onForward: tally.forward, signal });
  const had: Shape3[] = [];
  for (let target = box; ; ) {
    const windows = missing(place(target), had, patchSize);
    tally.expect(windows.length * forwardsPerWindow(mirrorAxes, networks));
    await networks.each(async (predict) => {
      for (const corner of windows) await blend.add(predict, corner);
    });
    had.push(...windows);
    const region = blend.foreground;
    if (!region) return undefined;
    const probability = blend.probability(region);
    const near = grown(target, reach, shape);
    const parts = partsOf(probability, region.start);
    const organ = organOf(
      parts.filter((part) => overlap(part.box, near)),
      reach,
      shape,
    );
    const own = boxOf(organ);
    if (!own) return undefined;
    target = unite(target, own);
    if (missing(place(target), had, patchSize).length > 0) continue;
    const around = grown(target, reach, shape);
    const others = parts.filter((part) => !organ.includes(part));
    return { part: alone(blend.probability(around), around, others, region, shape), box: target };
  }
}

export const forwardsPerWindow = (mirrorAxes: readonly number[], networks: Pick<Networks, 'count'>): number =>
  2 ** mirrorAxes.length * networks.count;

/**
 * How thick a shell the voxels between possible and clear would be round a ball of the organ's volume, mm.
 * Infinite where nothing is decided.
 * @param spacing mm
 */
export function doubtfulShellMm({ data }: Pick<ArrayPart, 'data'>, spacing: Spacing): number {
  let [doubtful, decided] = [0, 0];
  for (const probability of data) {
    if (probability >= POSSIBLE_PROBABILITY && probability < CLEAR_PROBABILITY) doubtful++;
    if (probability > 0.5) decided++;
  }
  const voxelMm = Math.cbrt(spacing[0] * spacing[1] * spacing[2]);
  const ballSurface = Math.cbrt(36 * Math.PI) * decided ** (2 / 3);
  return (voxelMm * doubtful) / ballSurface;
}

/** The probability with nothing around it, and without what is foreground there and no part of the organ. */
function alone(
  { data, shape: own }: Array3<Float32Array>,
  { start }: Box,
  others: readonly Part[],
  region: Box,
  shape: Shape3,
): ArrayPart {
  const box = grown({ start, shape: own }, [1, 1, 1], shape);
  const values = new Float32Array(elements(box.shape));
  const rowAt = (i: number, j: number, k: number) =>
    ((i - box.start[0]) * box.shape[1] + j - box.start[1]) * box.shape[2] + k - box.start[2];
  const [p0, p1, p2] = own;
  for (let i = 0; i < p0; i++) {
    for (let j = 0; j < p1; j++) {
      const row = (i * p1 + j) * p2;
      values.set(data.subarray(row, row + p2), rowAt(start[0] + i, start[1] + j, start[2]));
    }
  }
  const [, r1, r2] = region.shape;
  for (const { runs } of others) {
    for (const run of runs) {
      const row = Math.floor(run.start / r2);
      const place = [region.start[0] + Math.floor(row / r1), region.start[1] + (row % r1)] as const;
      const first = region.start[2] + (run.start % r2);
      const [from, end] = [
        Math.max(first, box.start[2]),
        Math.min(first + run.end - run.start, box.start[2] + box.shape[2]),
      ];
      const isInside = ([0, 1] as const).every(
        (axis) => place[axis] >= box.start[axis] && place[axis] < box.start[axis] + box.shape[axis],
      );
      if (isInside && from < end) values.fill(0, rowAt(...place, from), rowAt(...place, end));
    }
  }
  return { data: values, box, shape };
}
