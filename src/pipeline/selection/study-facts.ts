import type { Fact, FactName, Facts } from './facts.ts';
import { conceptsIn, type Vocabulary } from './words.ts';

/**
 * Acquisition times closer than this, in seconds, are of one acquisition: reconstructions and Dixon parts
 * share theirs.
 */
const SAME_ACQUISITION_S = 5;
/** An in-phase echo comes twice as late as the opposed-phase echo before it; scanners round. */
const ECHO_PAIR_RATIO = [1.7, 2.3] as const;

/**
 * Adds to the facts of each series what they mean in the words of the vocabulary, and what only a look at the
 * other series of the study tells.
 */
export function withStudyFacts(series: readonly Facts[], vocabulary: Vocabulary): Facts[] {
  const spoken = series.map((facts) => ({
    ...facts,
    says: conceptsIn(textOf(facts, 'words'), vocabulary),
    protocolSays: conceptsIn(textOf(facts, 'protocolWords'), vocabulary),
    studySays: conceptsIn(textOf(facts, 'studyWords'), vocabulary),
  }));
  const said = new Set(spoken.flatMap((facts) => [...facts.says, ...facts.protocolSays]));
  return spoken.map((facts) => ({
    ...facts,
    siblingsSay: [...said],
    ...defined({
      order: orderOf(facts, series),
      pairedEcho: pairedEcho(facts, series),
      studyFieldOfView: studyFieldOfView(facts, series),
      ...placeInLongest(facts, series),
      lungShare: shareReconstructed(facts, series, isForLung),
      sharpShare: shareReconstructed(facts, series, isSharp),
      breathHold: facts.modality === 'MR' && series.some(isBreathHold) ? 'yes' : undefined,
      obliques: facts.modality === 'MR' ? series.filter(isOblique).length : undefined,
    }),
  }));
}

function defined(facts: Partial<Record<FactName, Fact | undefined>>): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Facts;
}

export const numberOf = (facts: Facts, name: FactName): number | undefined => {
  const value = facts[name];
  return typeof value === 'number' ? value : undefined;
};

const textOf = (facts: Facts, name: FactName): string | undefined => {
  const value = facts[name];
  return typeof value === 'string' ? value : undefined;
};

/** Whether two times are of one acquisition; times that are not known are not. */
export function sameAcquisition(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && Math.abs(a - b) <= SAME_ACQUISITION_S;
}

/** 1 for what the scanner took first of the modality in this study. */
function orderOf(facts: Facts, series: readonly Facts[]): number | undefined {
  const time = numberOf(facts, 'acquisitionTime');
  if (time === undefined) return undefined;
  return 1 + series.filter((other) => other.modality === facts.modality && isBefore(other, time)).length;
}

const isBefore = (facts: Facts, time: number): boolean =>
  (numberOf(facts, 'acquisitionTime') ?? Number.POSITIVE_INFINITY) < time;

/** Whether another series of the same acquisition has an echo about half or twice as late. */
function pairedEcho(facts: Facts, series: readonly Facts[]): string | undefined {
  const echo = numberOf(facts, 'echoTime');
  if (!echo || facts.modality !== 'MR') return undefined;
  const ratios = series
    .filter((other) =>
      sameAcquisition(numberOf(other, 'acquisitionTime'), numberOf(facts, 'acquisitionTime')),
    )
    .map((other) => (numberOf(other, 'echoTime') ?? echo) / echo);
  const [least, most] = ECHO_PAIR_RATIO;
  if (ratios.some((ratio) => ratio >= least && ratio <= most)) return 'shorter';
  if (ratios.some((ratio) => ratio >= 1 / most && ratio <= 1 / least)) return 'longer';
  return undefined;
}

/** The middle one among the fields of view of the study's axial MR series. */
function studyFieldOfView(facts: Facts, series: readonly Facts[]): number | undefined {
  if (facts.modality !== 'MR') return undefined;
  const fields = series
    .filter((other) => other.modality === 'MR' && other.orientation === 'axial')
    .map((other) => numberOf(other, 'fieldOfView'))
    .filter((field) => field !== undefined);
  return fields.sort((a, b) => a - b)[fields.length >> 1];
}

/** Where an axial CT stack lies in the longest one that shares its coordinates. */
function placeInLongest(facts: Facts, series: readonly Facts[]): Partial<Record<FactName, number>> {
  const bottom = numberOf(facts, 'bottom');
  const top = numberOf(facts, 'top');
  if (bottom === undefined || top === undefined) return {};
  const extents = series
    .filter((other) => other.modality === facts.modality && other.frameOfReference === facts.frameOfReference)
    .map((other) => ({ low: numberOf(other, 'bottom') ?? 0, high: numberOf(other, 'top') ?? 0 }));
  const longest = extents.toSorted((a, b) => b.high - b.low - (a.high - a.low))[0] ?? {
    low: bottom,
    high: top,
  };
  return {
    longest: longest.high - longest.low,
    aboveBottom: bottom - longest.low,
    belowTop: longest.high - top,
  };
}

/**
 * Kernels for the lung, by the makers' names: GE LUNG and CHST, Philips L and Y* (YC, YD), Canon FC5x, Siemens
 * B70 to B80 and the l of Bl57; and whatever is meant to be seen in the lung window.
 */
const LUNG_KERNEL = /lung|chst|chest|^(L|LA|LB|Y[A-E])$|FC5\d|^B[78]\d|^Bl[5-9]\d/iu;
const SHARP_KERNEL =
  /lung|chst|bone|edge|sharp|detail|^[BHIJUTQ][a-z]?[5-9]\d|FC(3|[5-9])\d|^(L|LA|LB|Y[A-E]|D|E|E[A-D])$|^[HLY]_/iu;
const LUNG_WINDOW = -300;

const kernelOf = ({ kernel }: Facts): string => (Array.isArray(kernel) ? kernel.join('\\') : '');
const isSharp = (facts: Facts): boolean => SHARP_KERNEL.test(kernelOf(facts)) || isForLung(facts);

function isForLung(facts: Facts): boolean {
  const center = numberOf(facts, 'windowCenter');
  return LUNG_KERNEL.test(kernelOf(facts)) || (center !== undefined && center <= LUNG_WINDOW);
}

/** Images of one scan tell times of their own, within so many seconds. */
const SCAN_S = 20;

/** Whether they may be made of the same scan; a time that is not known rules nothing out. */
function isOneScan(one: Facts, other: Facts): boolean {
  const [a, b] = [numberOf(one, 'acquisitionTime'), numberOf(other, 'acquisitionTime')];
  return a === undefined || b === undefined || Math.abs(a - b) <= SCAN_S;
}

/** Percent of a CT stack that another axial series of the same coordinates, of such a kind, covers. */
function shareReconstructed(
  facts: Facts,
  series: readonly Facts[],
  isKind: (facts: Facts) => boolean,
): number | undefined {
  const bottom = numberOf(facts, 'bottom');
  const top = numberOf(facts, 'top');
  if (facts.modality !== 'CT' || bottom === undefined || top === undefined || top <= bottom) return undefined;
  const shares = series
    .filter((other) => other !== facts && other.modality === 'CT' && isKind(other))
    .filter((other) => other.frameOfReference === facts.frameOfReference && isOneScan(other, facts))
    .map((other) => {
      const low = Math.max(bottom, numberOf(other, 'bottom') ?? top);
      const high = Math.min(top, numberOf(other, 'top') ?? bottom);
      return Math.max(0, high - low) / (top - bottom);
    });
  return Math.round(100 * Math.max(0, ...shares));
}

/** Of a trunk's size, in mm. */
const TRUNK_FIELD = 270;
const TRUNK_LENGTH = 100;

/**
 * MR that only moving parts of the body need: single-shot spin echo, or a T1 gradient echo of the trunk that is
 * over within a breath.
 */
function isBreathHold(facts: Facts): boolean {
  const [tr, te] = [numberOf(facts, 'repetitionTime'), numberOf(facts, 'echoTime')];
  const isTrunk =
    (numberOf(facts, 'fieldOfView') ?? 0) >= TRUNK_FIELD &&
    (numberOf(facts, 'coverage') ?? 0) >= TRUNK_LENGTH;
  if (facts.modality !== 'MR' || !isTrunk || tr === undefined || te === undefined) return false;
  const sequence = Array.isArray(facts.sequence) ? facts.sequence : [];
  if (sequence.includes('EP')) return false;
  if (te >= 50) return te < 250 && (numberOf(facts, 'echoTrainLength') ?? 0) >= 60;
  const isGradient =
    !sequence.includes('SE') && (sequence.length > 0 || (numberOf(facts, 'flipAngle') ?? 90) <= 40);
  return isGradient && te <= 8 && (facts.acquisitionType === '2D' ? tr >= 60 && tr <= 450 : tr <= 12);
}

const isOblique = (facts: Facts): boolean => facts.modality === 'MR' && facts.orientation === 'oblique';
