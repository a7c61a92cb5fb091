import { type ForcedSeries, isChosen } from '../selection/choose-series.ts';
import { SEGMENTED_CLASSES, type SegmentedClass } from '../selection/rules.ts';
import { isSameSeries, reasonOfClass, type SeriesDecision } from '../selection/select.ts';
import type { Look, Outcome, RankedSeries } from './contest.ts';
import type { RunParts } from './run-parts.ts';

/** The series that contend for one class, and how many of them may be looked at with a quick pass. */
export interface Rivals<T extends RankedSeries> {
  readonly class: SegmentedClass;
  readonly ranked: readonly T[];
  readonly looks: number;
}

/**
 * The rivals of each class that has a model.
 * @param looks quick passes that a study may have beyond what is certain by its headers; each class that has
 *   possible series alone may have one in any case
 */
export function rivalsOf<T extends SeriesDecision>(
  decisions: readonly T[],
  models: { has(seriesClass: SegmentedClass): boolean },
  looks: number,
): Rivals<T & RankedSeries>[] {
  const all = SEGMENTED_CLASSES.filter((name) => models.has(name)).flatMap((name) => {
    const ofClass = decisions.filter(
      (one): one is T & RankedSeries => one.class === name && one.rank !== undefined,
    );
    return ofClass.length > 0
      ? [{ class: name, ranked: ofClass.toSorted((a, b) => (a.rank ?? 0) - (b.rank ?? 0)) }]
      : [];
  });
  const doubtful = all.filter(({ ranked: [best] }) => best?.certainty === 'possible').length;
  return all.map(({ class: name, ranked }) => {
    const others = doubtful - (ranked[0]?.certainty === 'possible' ? 1 : 0);
    const least = looks > 0 && ranked[0]?.certainty === 'possible' ? 1 : 0;
    return { class: name, ranked, looks: Math.max(least, looks - others) };
  });
}

/**
 * Who is segmented, in the order of the decisions: of each class its rivals; a series that was named stands
 * alone.
 * @param forced set where the study was asked for because of this series alone
 */
export function contests(
  decisions: readonly SeriesDecision[],
  { models, looks }: Pick<RunParts, 'models' | 'looks'>,
  forced: ForcedSeries | undefined,
): Rivals<RankedSeries>[] {
  const place = ({ ranked: [best] }: Rivals<RankedSeries>) => decisions.findIndex((one) => one === best);
  const rivals = forced ? [] : rivalsOf(decisions, models, looks).toSorted((a, b) => place(a) - place(b));
  const named = decisions.filter(isChosen).filter((one) => forced !== undefined || one.rank !== 1);
  return [
    ...rivals,
    ...named.map((one) => ({ class: one.class, ranked: [{ ...one, certainty: 'yes' as const }], looks: 0 })),
  ];
}

/** Whether a series that was named has already won among the rivals of its class. */
export const hasWon = (
  decisions: readonly SeriesDecision[],
  { ranked, looks }: Rivals<RankedSeries>,
): boolean =>
  looks === 0 &&
  decisions.some((one) => one.tried && one.chosen && ranked.some((it) => isSameSeries(it, one)));

/** What a look showed, in words. */
export const lookWords = ({ appearance, volumeMl }: Look): string =>
  WORDS[appearance](`${volumeMl.toFixed(1)} ml`);

const WORDS: Readonly<Record<Look['appearance'], (volume: string) => string>> = {
  plausible: (volume) => `one plausible pancreas of ${volume}`,
  nothing: () => 'no pancreas was found',
  border: (volume) => `what was found (${volume}) touches the border of the images`,
  parts: (volume) => `what was found (${volume}) has several parts of like size`,
  small: (volume) => `what was found (${volume}) is too small for a pancreas`,
  large: (volume) => `what was found (${volume}) is too large for a pancreas`,
  unsure: (volume) => `the network was not sure of what it found (${volume})`,
  unreadable: () => 'its images make no volume',
  elsewhere: () => 'its images show the chest',
  abdomen: () => 'its images show the upper abdomen',
};

/** Sentences for the report: why this series, where its header did not decide. */
export function remarksOf<T extends RankedSeries>({ winner, tried }: Outcome<T, unknown>): string[] {
  const sentences = tried.map(
    (one) => `Also looked at: series "${one.series.description}": ${lookWords(one)}.`,
  );
  if (winner?.series.certainty !== 'possible') return sentences;
  const why =
    'The headers do not say that this series shows the abdomen; one plausible pancreas was found in it.';
  return [why, ...sentences];
}

/**
 * The decisions with what the pixels said: who was tried, and who is taken.
 * @param ranked the rivals, best first
 */
export function settled<T extends SeriesDecision>(
  decisions: readonly T[],
  { winner, tried }: Outcome<RankedSeries, Look>,
  [best]: readonly RankedSeries[],
): T[] {
  return decisions.map((one) => {
    const look = tried.find(({ series }) => isSameSeries(series, one));
    if (look)
      return { ...one, chosen: false, tried: true, reason: `${one.reason}; tried: ${lookWords(look)}` };
    if (!winner || !isSameSeries(winner.series, one)) return one;
    if (tried.length === 0 && winner.series === best && best.certainty === 'yes') return one;
    const reason = `${reasonOfClass(one.reason)}; tried: ${lookWords(winner.work)}`;
    return { ...one, chosen: true, tried: true, reason };
  });
}
