import type { ArrayPart, Box } from '../../array-view.ts';
import type { Shape3 } from '../../array3.ts';
import type { Spacing } from '../../resampling/resample.ts';
import type { ForwardTally } from '../forward-tally.ts';
import type { Networks } from '../networks.ts';
import { everyStart, gridCorners } from '../sliding-window.ts';
import type { WindowedImage } from '../windowed-image.ts';
import { grown, overlap } from './box.ts';
import { type CloserLook, doubtfulShellMm, forwardsPerWindow, type Place, segmentOrgan } from './organ.ts';
import { windowsOn } from './placement.ts';
import { search } from './search.ts';

export interface Focus {
  readonly patchSize: Shape3;
  /** mm, of the network's grid. */
  readonly spacing: Spacing;
  /** Axes over whose mirror images predictions on the organ are averaged; none: each window once. */
  readonly mirrorAxes: readonly number[];
  /** Step of the grid whose windows decide where those on the organ leave a doubt; undefined: they stand. */
  readonly inDoubtStep?: number | undefined;
}

/** Pieces as near to each other are one organ, a thin neck having been lost between them. */
const REACH_MM = 15;
const USUAL_WINDOWS = 4;
/** How thick a doubtful shell may be: beyond it the windows saw the organ badly, whatever its size. */
const DOUBT_MM = 4.5;
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
    const organ = box && (await lookCloser(image, box, { ...focus, reach, networks, tally, signal }));
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

/**
 * A network may lose much of an organ at one place of a window and see it at every other. Where it doubts, it
 * is asked at all the places of nnU-Net's grid around the organ, and the answer is that of the whole image.
 */
async function lookCloser(
  image: WindowedImage,
  box: Box,
  look: Focus & CloserLook,
): Promise<ArrayPart | undefined> {
  const { shape } = image;
  const { patchSize, spacing, reach, inDoubtStep } = look;
  const organ = await segmentOrgan(image, box, (target) => windowsOn(target, shape, patchSize), look);
  if (!organ || inDoubtStep === undefined || doubtfulShellMm(organ.part, spacing) <= DOUBT_MM)
    return organ?.part;
  const grid = [...everyStart(gridCorners(shape, patchSize, inDoubtStep))];
  const round: Place = (target) => {
    const around = grown(target, reach, shape);
    return grid.filter((start) => overlap({ start, shape: patchSize }, around));
  };
  return (await segmentOrgan(image, organ.box, round, look))?.part;
}
