import type { Box } from '../../array-view.ts';
import { type Array3, elements, type Shape3 } from '../../array3.ts';
import type { Spacing } from '../../resampling/resample.ts';
import type { ForwardTally } from '../forward-tally.ts';
import type { Networks } from '../networks.ts';
import { gridCorners } from '../sliding-window.ts';
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
 *
 * @param image normalized, on the network's grid
 */
export async function focusWindows(
  image: Array3<Float32Array>,
  focus: Focus,
  networks: Networks,
  tally: ForwardTally,
  signal?: AbortSignal,
): Promise<Array3<Float32Array>> {
  const along = (axis: 0 | 1 | 2) => Math.ceil(REACH_MM / focus.spacing[axis]);
  const reach: Shape3 = [along(0), along(1), along(2)];
  for (const how of SEARCHES) {
    const box = await networks.first((predict) =>
      search(image, predict, { ...focus, ...how, reach, onForward: tally.forward, signal }),
    );
    const organ = box && (await segmentOrgan(image, box, reach, focus, networks, tally, signal));
    if (organ) return organ;
  }
  return { data: new Float32Array(elements(image.shape)), shape: image.shape };
}

/** What a first look and windows on an organ of ordinary size will take; nobody knows before it was found. */
export function expectedForwards(
  shape: Shape3,
  { patchSize, mirrorAxes }: Focus,
  networks: Networks,
): number {
  const looks = gridCorners(shape, patchSize, SEARCHES[0].stepSize).reduce(
    (all, { length }) => all * length,
    1,
  );
  return looks + USUAL_WINDOWS * forwardsPerWindow(mirrorAxes, networks);
}

const forwardsPerWindow = (mirrorAxes: readonly number[], networks: Networks) =>
  2 ** mirrorAxes.length * networks.count;

/** @returns undefined where a closer look finds no organ in the box */
async function segmentOrgan(
  image: Array3<Float32Array>,
  box: Box,
  reach: Shape3,
  { patchSize, mirrorAxes }: Focus,
  networks: Networks,
  tally: ForwardTally,
  signal: AbortSignal | undefined,
): Promise<Array3<Float32Array> | undefined> {
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
    return placed(
      blend.probability(around),
      around,
      parts.filter((part) => !organ.includes(part)),
      region,
      shape,
    );
  }
}

/** Puts a part of the image back in its place, without what is foreground there and no part of the organ. */
function placed(
  part: Array3<Float32Array>,
  { start }: Box,
  others: readonly Part[],
  region: Box,
  shape: Shape3,
): Array3<Float32Array> {
  const [, n1, n2] = shape;
  const data = new Float32Array(elements(shape));
  const [p0, p1, p2] = part.shape;
  for (let i = 0; i < p0; i++) {
    for (let j = 0; j < p1; j++) {
      const row = (i * p1 + j) * p2;
      data.set(part.data.subarray(row, row + p2), ((start[0] + i) * n1 + start[1] + j) * n2 + start[2]);
    }
  }
  const [, r1, r2] = region.shape;
  for (const { runs } of others) {
    for (const run of runs) {
      const row = Math.floor(run.start / r2);
      const [i, j, k] = [Math.floor(row / r1), row % r1, run.start % r2];
      const at = ((region.start[0] + i) * n1 + region.start[1] + j) * n2 + region.start[2] + k;
      data.fill(0, at, at + run.end - run.start);
    }
  }
  return { data, shape };
}
