import { companionFacts } from './companions.ts';
import { type Fact, type FactName, type Facts, numberOf } from './facts.ts';
import { sameAcquisition } from './one-acquisition.ts';
import { conceptsIn, type Vocabulary } from './words.ts';

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
      ...companionFacts(facts, spoken),
    }),
  }));
}

function defined(facts: Partial<Record<FactName, Fact | undefined>>): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Facts;
}

const textOf = (facts: Facts, name: FactName): string | undefined => {
  const value = facts[name];
  return typeof value === 'string' ? value : undefined;
};

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
