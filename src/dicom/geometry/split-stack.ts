import { type DicomDataset, number, text, texts } from '../reading/dataset.ts';
import type { ImageFrame } from './image-frame.ts';
import { ownWords } from './one-kind.ts';
import { heightAlong, normalOf } from './plane-height.ts';

/** A part of one stack, with what tells it from the others. */
export interface StackPart {
  readonly names: readonly string[];
  readonly frames: readonly ImageFrame[];
  readonly problem?: string;
}

/**
 * Attributes that tell volumes at one place apart, the more telling ones first: what was imaged before when.
 * b-values stand under the standard's attribute or the private ones of Siemens, GE, Philips and United
 * Imaging.
 */
const DISTINGUISHING: readonly (readonly [label: string, ...keywords: string[]])[] = [
  ['StackID', 'StackID'],
  ['ImageType', 'FrameType', 'ImageType'],
  ['ComplexImageComponent', 'ComplexImageComponent'],
  ['EchoTime', 'EffectiveEchoTime', 'EchoTime'],
  ['EchoNumbers', 'EchoNumbers'],
  ['InversionTime', 'InversionTime', 'InversionTimes'],
  ['FlipAngle', 'FlipAngle'],
  ['b-value', 'DiffusionBValue', '0019100C', '00431039', '20011003', '00651009'],
  ['DiffusionGradientOrientation', 'DiffusionGradientOrientation', '0019100E', '00651037'],
  ['SequenceName', 'SequenceName'],
  ['TemporalPositionIdentifier', 'TemporalPositionIdentifier', 'TemporalPositionIndex'],
  ['AcquisitionNumber', 'AcquisitionNumber'],
  ['TriggerTime', 'TriggerTime', 'NominalCardiacTriggerDelayTime', 'TemporalPositionTimeOffset'],
  ['ConvolutionKernel', 'ConvolutionKernel'],
  ['KVP', 'KVP'],
  ['ContrastBolusAgent', 'ContrastBolusAgent'],
  ['SliceThickness', 'SliceThickness'],
  ['SeriesDescription', 'SeriesDescription'],
  ['ProtocolName', 'ProtocolName'],
];

/** Times run on from slice to slice: a new volume begins where a place comes again. */
const RUNNING: readonly string[] = [
  'FrameAcquisitionDateTime',
  'AcquisitionDateTime',
  'AcquisitionTime',
  'ContentTime',
];

/** Images nearer than this along the normal lie at one place: no scanner steps so finely. */
const SAME_PLACE_MM = 0.01;
/**
 * Gaps of an even stack differ by no more than this, absolutely (positions with one decimal) and of the step.
 */
const GAP_TOLERANCE_MM = 0.101;
const GAP_TOLERANCE = 0.02;
/**
 * Volumes have more slices than this on average; what has a value of its own for every few images tells
 * slices apart.
 */
const FEW_IMAGES = 3;
/** Phases, echoes, Dixon parts and b-values in one series: no more kinds than these are mixed. */
const MOST_SPLITS = 4;

/** @param frames of one size, spacing and direction */
export function splitStack(frames: readonly ImageFrame[], splits = 0): StackPart[] {
  const whole: StackPart = { names: [], frames };
  const { images, places, even } = placesOf(frames);
  if (places <= 1 || (images === 1 && even)) return [whole];
  const groups = splits < MOST_SPLITS ? bestSplit(frames, images) : undefined;
  if (groups) {
    return groups.flatMap(({ name, frames: own }) =>
      splitStack(own, splits + 1).map((part) => ({ ...part, names: [name, ...part.names] })),
    );
  }
  // Slices that are missing or uneven are for the volume's geometry to judge.
  if (images === 1) return [whole];
  const place = `up to ${images} of its images lie at one place`;
  return [{ ...whole, problem: `${place}, and nothing in their headers tells them apart` }];
}

interface Group {
  readonly name: string;
  readonly frames: ImageFrame[];
}

/** The first distinction that leaves one image at each place; else the first that leaves fewer. */
function bestSplit(frames: readonly ImageFrame[], images: number): Group[] | undefined {
  const candidates = [...byAttribute(frames), ...byTime(frames)].filter((groups) =>
    isSplit(groups, frames, images),
  );
  const most = (groups: readonly Group[]) =>
    Math.max(...groups.map((group) => placesOf(group.frames).images));
  return (
    candidates.find((groups) => most(groups) === 1) ?? candidates.find((groups) => most(groups) < images)
  );
}

function isSplit(groups: readonly Group[], frames: readonly ImageFrame[], images: number): boolean {
  if (groups.length < 2 || frames.length / groups.length < FEW_IMAGES) return false;
  // Where no place comes twice, only a split into even stacks explains uneven distances.
  return (
    images > 1 || groups.every((group) => group.frames.length < FEW_IMAGES || placesOf(group.frames).even)
  );
}

function byAttribute(frames: readonly ImageFrame[]): Group[][] {
  return DISTINGUISHING.map(([label, ...keywords]) => {
    const kinds = Map.groupBy(frames, ({ attributes }) => valueOf(attributes, keywords));
    const values = [...kinds.keys()].sort();
    const own = ownWords(values);
    return values.map((value, i) => ({
      name: `${label} ${own[i] || 'none'}`,
      frames: kinds.get(value) ?? [],
    }));
  });
}

function valueOf(attributes: DicomDataset, keywords: readonly string[]): string {
  const keyword = keywords.find((one) => texts(attributes, one).length > 0);
  return keyword === undefined ? '' : texts(attributes, keyword).join('\\');
}

function byTime(frames: readonly ImageFrame[]): Group[][] {
  return RUNNING.map((keyword) => {
    const timed = frames.map((frame) => ({ frame, time: text(frame.attributes, keyword) ?? '' }));
    if (timed.some(({ time }) => time === '')) return [];
    const moments = [...Map.groupBy(timed, ({ time }) => time)].sort(([a], [b]) => (a < b ? -1 : 1));
    const runs: { name: string; frames: ImageFrame[]; places: Set<string> }[] = [];
    for (const [time, images] of moments) {
      const places = images.map(({ frame }) => placeKey(frame));
      const run = runs.at(-1);
      if (!run || places.some((place) => run.places.has(place))) {
        runs.push({
          name: `${keyword} ${time}`,
          frames: images.map(({ frame }) => frame),
          places: new Set(places),
        });
      } else {
        run.frames.push(...images.map(({ frame }) => frame));
        for (const place of places) run.places.add(place);
      }
    }
    return runs;
  });
}

const placeKey = (frame: ImageFrame): string => (heightOf(frame) ?? 0).toFixed(2);

/** Where an image stands along the normal of its plane, in mm; undefined where its header doesn't say. */
function heightOf({ attributes }: ImageFrame): number | undefined {
  // Without an orientation all images of a place stand at one height.
  const height = heightAlong(normalOf(attributes) ?? [0, 0, 0], attributes);
  return height ?? number(attributes, 'SliceLocation');
}

/** How many places there are, the most images at one, and whether the places follow each other evenly. */
function placesOf(frames: readonly ImageFrame[]): { places: number; images: number; even: boolean } {
  const heights = frames.map((frame) => heightOf(frame) ?? 0).sort((a, b) => a - b);
  const counts: number[] = [];
  const gaps: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const height of heights) {
    if (height - last < SAME_PLACE_MM) counts.push((counts.pop() ?? 0) + 1);
    else {
      if (counts.length > 0) gaps.push(height - last);
      counts.push(1);
      last = height;
    }
  }
  const median = gaps.toSorted((a, b) => a - b)[gaps.length >> 1] ?? 0;
  const tolerance = Math.max(GAP_TOLERANCE_MM, GAP_TOLERANCE * median);
  return {
    places: counts.length,
    images: Math.max(0, ...counts),
    even: gaps.every((gap) => Math.abs(gap - median) <= tolerance),
  };
}
