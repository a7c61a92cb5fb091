import type { Appearance } from '../../segmentation/plausibility.ts';
import type { SegmentedClass } from '../selection/rules.ts';
import type { SeriesDecision } from '../selection/select.ts';

/** A series of a class that is segmented. */
export type RankedSeries = SeriesDecision & { readonly class: SegmentedClass };

/**
 * What is told without the network. unreadable: the images make no volume; elsewhere: another part of the
 * body; abdomen: its station, so that no quick pass is needed.
 */
export const PIXEL_VERDICTS = ['unreadable', 'elsewhere', 'abdomen'] as const;
type PixelVerdict = (typeof PIXEL_VERDICTS)[number];

/** What the pixels of a series showed. */
export interface Look {
  readonly appearance: Appearance | PixelVerdict;
  readonly volumeMl: number;
}
interface Tried<T extends RankedSeries = RankedSeries> extends Look {
  readonly series: T;
}

/** How the series of a class are looked at. */
export interface Contest<T extends RankedSeries, Work extends Look> {
  /** All of a class, best first. */
  readonly ranked: readonly T[];
  /** How many of them may be looked at quickly. */
  readonly looks: number;
  /** Segments a series as results are made of it. */
  readonly segment: (series: T) => Promise<Work>;
  /** What an earlier start found; undefined: it was not looked at yet. */
  readonly recall: (series: T) => Promise<Look | undefined>;
  /** Keeps what was found, for a later start. */
  readonly remember: (series: T, look: Look) => Promise<void>;
  /** A quick pass; undefined where there is none to be made. */
  readonly quickly: (series: T) => Promise<Look | undefined>;
}

/** Who won, and all others that were looked at. */
export interface Outcome<T extends RankedSeries, Work> {
  readonly winner: { readonly series: T; readonly work: Work } | undefined;
  readonly tried: readonly Tried<T>[];
}

/**
 * Whether a series is borne out: what is certain by its headers may hold an organ of any size; what is only
 * possible has to show one plausible pancreas.
 */
const isBorneOut = ({ certainty }: RankedSeries, { appearance }: Look): boolean =>
  certainty === 'yes'
    ? !['nothing', 'border', 'unreadable', 'elsewhere'].includes(appearance)
    : appearance === 'plausible';

/** Whether nothing speaks against what was found. */
const isBeyondDoubt = (_series: RankedSeries, { appearance }: Look): boolean => appearance === 'plausible';

/** Whether a series that was looked at is worth segmenting as results are made of it. */
const isPromising = (series: RankedSeries, look: Look, suffices: typeof isBorneOut): boolean =>
  look.appearance === 'abdomen' || suffices(series, look);

/** Series that show another part of the body cost no pass of the network; so many more are looked at. */
const MOST_ELSEWHERE = 4;

/**
 * Which series of a class the results are made of. The best one, where it is certain and an organ is found in
 * it; else the next ones get a quick pass each, and the first that is borne out is taken. Where none is, the
 * certain one stands, with what was found or not; possible ones alone leave no winner.
 *
 * What was found in the best one may be odd: a speck, say, that a network takes for the organ below it. Then
 * those that show another part of the body are tried, and one of them has to be beyond doubt to be taken.
 * Those that show the same would show the same: a child's organ is small in all of them.
 */
export async function holdContest<T extends RankedSeries, Work extends Look>(
  contest: Contest<T, Work>,
): Promise<Outcome<T, Work>> {
  const { ranked, looks, segment, recall, remember } = contest;
  const [best, ...others] = ranked;
  if (!best) return { winner: undefined, tried: [] };
  if (best.certainty !== 'yes') return tryInTurn(ranked, contest);
  const rivals = looks > 0 ? elsewhereFirst(best, others) : [];
  const known = rivals.length > 0 ? await recall(best) : undefined;
  const work = known ? undefined : await segment(best);
  const look = known ?? work;
  const isOdd = look !== undefined && isBorneOut(best, look);
  const next = isOdd ? rivals.filter((one) => showsElse(best, one)) : rivals;
  if (work && (next.length === 0 || isBeyondDoubt(best, work)))
    return { winner: { series: best, work }, tried: [] };
  if (work) await remember(best, work);
  const { winner, tried } = await tryInTurn(next, contest, isOdd ? isBeyondDoubt : isBorneOut);
  if (winner && look) return { winner, tried: [{ series: best, ...lookOf(look) }, ...tried] };
  return { winner: { series: best, work: work ?? (await segment(best)) }, tried };
}

const lookOf = ({ appearance, volumeMl }: Look): Look => ({ appearance, volumeMl });

async function tryInTurn<T extends RankedSeries, Work extends Look>(
  series: readonly T[],
  { looks, segment, recall, remember, quickly }: Contest<T, Work>,
  suffices = isBorneOut,
): Promise<Outcome<T, Work>> {
  const tried: Tried<T>[] = [];
  let elsewhere = 0;
  for (const one of series) {
    if (tried.length - elsewhere >= looks || elsewhere > MOST_ELSEWHERE) break;
    const known = await recall(one);
    const look = known ?? (await quickly(one));
    if (!look) break;
    if (!known) await remember(one, look);
    if (look.appearance === 'elsewhere') elsewhere++;
    if (!isPromising(one, look, suffices)) {
      tried.push({ series: one, ...lookOf(look) });
      continue;
    }
    const work = await segment(one);
    if (suffices(one, work)) return { winner: { series: one, work }, tried };
    tried.push({ series: one, ...lookOf(work) });
  }
  return { winner: undefined, tried };
}

/** Ends nearer than this are the same, in mm. */
const SAME_END_MM = 20;

/** What covers the same of the body shows the same: those come last. */
const elsewhereFirst = <T extends RankedSeries>(best: T, others: readonly T[]): T[] => [
  ...others.filter((one) => !isSame(best, one)),
  ...others.filter((one) => isSame(best, one)),
];

const isInSameSpace = ({ place: a }: RankedSeries, { place: b }: RankedSeries): boolean =>
  a !== undefined && b !== undefined && a.frameOfReference === b.frameOfReference;

function isSame(one: RankedSeries, other: RankedSeries): boolean {
  const [a, b] = [one.place, other.place];
  if (!a || !b || !isInSameSpace(one, other)) return false;
  return Math.abs(a.bottom - b.bottom) < SAME_END_MM && Math.abs(a.top - b.top) < SAME_END_MM;
}

/** As far as is known. */
const showsElse = (one: RankedSeries, other: RankedSeries): boolean =>
  isInSameSpace(one, other) && !isSame(one, other);
