import type { ArrayPart, Box } from '../../array-view.ts';
import { type Array3, elements, type Shape3 } from '../../array3.ts';
import type { Spacing } from '../../resampling/resample.ts';
import type { ForwardTally } from '../forward-tally.ts';
import type { Networks } from '../networks.ts';
import { gridCorners } from '../sliding-window.ts';
import type { WindowedImage } from '../windowed-image.ts';
import { Blend } from './blend.ts';
import { grown, overlap, unite } from './box.ts';
import { boxOf, organOf, type Part, partsOf } from './parts.ts';
import { missing, windowsOn } from './placement.ts';
import { search } from './search.ts';

export interface Focus {
  readonly patchSize: Shape3;
  /** mm, of the network's grid. */
  readonly spacing: Spacing;
  /** Axes over whose mirror images predictions on the organ are averaged; none: each window once. */
  readonly mirrorAxes: readonly number[];
}

/** Pieces as near to each other are one organ, a thin neck having been lost between them. */
const REACH_MM = 15;
const USUAL_WINDOWS = 4;
/** A quick search, and one that misses nothing before there is said to be none. */
const SEARCHES = [
  { stepSize: 1, everywhere: false, leastMl: 0.5 },
  { stepSize: 0.5, everywhere: true, leastMl: 0 },
] as const;

/**
 * The probability of the foreground class where the organ is, and 0 elsewhere: windows on the organ instead
 * of a grid of windows over the whole image. First a look for it, then windows that hold it in their middle,
 * until none of it reaches beyond what they decide.
 */
export async function focusWindows(
  image: WindowedImage,
  focus: Focus,
  networks: Networks,
  tally: ForwardTally,
  signal?: AbortSignal,
): Promise<ArrayPart> {
  const along = (axis: 0 | 1 | 2) => Math.ceil(REACH_MM / focus.spacing[axis]);
  const reach: Shape3 = [along(0), along(1), along(2)];
  for (const how of SEARCHES) {
    const box = await networks.first((predict) =>
      search(image, predict, { ...focus, ...how, reach, onForward: tally.forward, signal }),
    );
    const organ = box && (await segmentOrgan(image, box, reach, focus, networks, tally, signal));
    if (organ) return organ;
  }
  return { data: new Float32Array(0), box: { start: [0, 0, 0], shape: [0, 0, 0] }, shape: image.shape };
}

/** What a first look and windows on an organ of ordinary size will take; nobody knows before it was found. */
export function expectedForwards(
  shape: Shape3,
  { patchSize, mirrorAxes }: Focus,
  networks: Pick<Networks, 'count'>,
): number {
  const looks = gridCorners(shape, patchSize, SEARCHES[0].stepSize).reduce(
    (all, { length }) => all * length,
    1,
  );
  return looks + USUAL_WINDOWS * forwardsPerWindow(mirrorAxes, networks);
}

const forwardsPerWindow = (mirrorAxes: readonly number[], networks: Pick<Networks, 'count'>) =>
  2 ** mirrorAxes.length * networks.count;

/** @returns undefined where a closer look finds no organ in the box */
async function segmentOrgan(
  image: WindowedImage,
  box: Box,
  reach: Shape3,
  { patchSize, mirrorAxes }: Focus,
  networks: Networks,
  tally: ForwardTally,
  signal: AbortSignal | undefined,
): Promise<ArrayPart | undefined> {
  const { shape } = image;
  const blend = new Blend(image, patchSize, mirrorAxes, { onForward: tally.forward, signal });
  const had: Shape3[] = [];
  for (let target = box; ; ) {
    const windows = missing(windowsOn(target, shape, patchSize), had, patchSize);
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
    if (missing(windowsOn(target, shape, patchSize), had, patchSize).length > 0) continue;
    const around = grown(target, reach, shape);
    return alone(
      blend.probability(around),
      around,
      parts.filter((part) => !organ.includes(part)),
      region,
      shape,
    );
  }
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
