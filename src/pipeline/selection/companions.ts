import { type Fact, type FactName, type Facts, numberOf } from './facts.ts';
import { sameAcquisition } from './one-acquisition.ts';

/** What the physics of the other series of a study tell of a series. */
export function companionFacts(
  facts: Facts,
  series: readonly Facts[],
): Partial<Record<FactName, Fact | undefined>> {
  if (facts.modality === 'CT') {
    return {
      lungShare: shareReconstructed(facts, series, isForLung),
      sharpShare: shareReconstructed(facts, series, isSharp),
    };
  }
  if (facts.modality !== 'MR') return {};
  return {
    breathHold: series.some(isBreathHold) ? 'yes' : undefined,
    obliques: series.filter(isOblique).length,
    twins: series.filter((other) => other !== facts && areTwins(facts, other)).length || undefined,
  };
}

/** What tells apart series of one scan: names, kinds and places. */
const TELLING = ['words', 'imageType', 'sequence', 'echoTime', 'orientation', 'bottom', 'slices'] as const;

function areTwins(one: Facts, other: Facts): boolean {
  const [a, b] = [numberOf(one, 'acquisitionTime'), numberOf(other, 'acquisitionTime')];
  const isTold = TELLING.some((name) => String(one[name]) !== String(other[name]));
  return !isTold && other.modality === 'MR' && sameAcquisition(a, b);
}

/**
 * Kernels for the lung, by the makers' names: GE LUNG and CHST, Philips L and Y* (YC, YD), Canon FC5x,
 * Siemens B70 to B80 and the l of Bl57; and whatever is meant to be seen in the lung window.
 */
const LUNG_KERNEL = /lung|chst|chest|^(L|LA|LB|Y[A-E])$|FC5\d|^B[78]\d|^Bl[5-9]\d/iu;
const SHARP_KERNEL =
  /bone|edge|sharp|detail|^[BHIJUTQ][a-z]?[5-9]\d|FC(3|[5-9])\d|^(L|LA|LB|Y[A-E]|D|E|E[A-D])$|^[HLY]_/iu;
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
  if (bottom === undefined || top === undefined || top <= bottom) return undefined;
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
 * MR that only moving parts of the body need: single-shot spin echo, or a T1 gradient echo of the trunk
 * that is over within a breath.
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
