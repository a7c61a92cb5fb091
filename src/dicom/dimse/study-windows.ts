import { type DicomDataset, text } from '../reading/dataset.ts';
import { studyDate } from '../study-date.ts';
import type { FindEnd } from './services/find.ts';
import type { Identifier } from './services/identifier.ts';

/** One search: what is to match, match by match, and whether the archive gave them all. */
export type Ask = (matching: Identifier) => AsyncGenerator<DicomDataset, FindEnd>;

interface Limits {
  /** The most that is taken of a search over several days, before it is canceled and split. */
  readonly most: number;
  /** Told that a single day was more than the archive gives at once. */
  readonly dayCut: (day: string) => void;
}

export interface WindowSearch extends Limits {
  readonly lookBack: number | 'all';
  readonly now: Date;
}

/** Days from the first to the last; open where undefined. */
interface Days {
  readonly from: Date | undefined;
  readonly to: Date | undefined;
}

/** So many days are asked for one by one; more of them in halves. */
const DAY_BY_DAY = 31;
/** Few studies are older: what is from before is one window. */
const OLDEST = new Date(1990, 0, 1);
const MINUTES = 24 * 60;

/**
 * Studies, each once. C-FIND knows no pages (PS3.4 section C.4.1): what is long is asked for in windows of
 * StudyDate, and a day of which the archive does not give everything in windows of StudyTime. Where `all`
 * takes more than one search, studies without a date are not found; where a day does, those without a time.
 */
export async function* studiesInWindows(ask: Ask, search: WindowSearch): AsyncGenerator<DicomDataset> {
  const { lookBack, now, most } = search;
  const news = eachOnce();
  const today = startOf(now, 0);
  if (lookBack === 'all') {
    if (yield* upTo(ask({}), most, news)) return;
    const before = { from: undefined, to: startOf(OLDEST, -1) };
    for (const days of [before, { from: OLDEST, to: today }]) yield* halved(ask, days, search, news);
  } else if (lookBack < DAY_BY_DAY) {
    for (let back = lookBack; back >= 0; back--) yield* ofDay(ask, startOf(now, -back), search, news);
  } else {
    yield* halved(ask, { from: startOf(now, -lookBack), to: today }, search, news);
  }
  // Clocks differ, and so do the days of time zones.
  yield* filtered(ask({ StudyDate: rangeOf({ from: startOf(now, 1), to: undefined }) }), news);
}

/**
 * Studies of some days, each once.
 * @param from StudyDate (DA) of the first day
 * @param until of the last
 */
export async function* studiesBetween(
  ask: Ask,
  { from, until, ...limits }: Limits & { readonly from: string; readonly until: string },
): AsyncGenerator<DicomDataset> {
  yield* halved(ask, { from: dayOf(from), to: dayOf(until) }, limits, eachOnce());
}

type News = (study: DicomDataset) => boolean;

function eachOnce(): News {
  const seen = new Set<string>();
  return (study) => {
    const uid = text(study, 'StudyInstanceUID');
    if (uid === undefined || seen.has(uid)) return false;
    seen.add(uid);
    return true;
  };
}

async function* halved(ask: Ask, days: Days, search: Limits, news: News): AsyncGenerator<DicomDataset, void> {
  const { from, to } = days;
  const count = from && to ? Math.round((to.getTime() - from.getTime()) / DAY_MS) + 1 : undefined;
  if (from && count === 1) {
    yield* ofDay(ask, from, search, news);
    return;
  }
  const asked = ask({ StudyDate: rangeOf(days) });
  if (yield* upTo(asked, count === undefined ? Number.POSITIVE_INFINITY : search.most, news)) return;
  if (!from || !to || count === undefined) return;
  const middle = startOf(from, Math.floor(count / 2) - 1);
  yield* halved(ask, { from, to: middle }, search, news);
  yield* halved(ask, { from: startOf(middle, 1), to }, search, news);
}

async function* ofDay(ask: Ask, day: Date, search: Limits, news: News): AsyncGenerator<DicomDataset> {
  const StudyDate = studyDate(day, 0);
  if (yield* upTo(ask({ StudyDate }), Number.POSITIVE_INFINITY, news)) return;
  search.dayCut(StudyDate);
  yield* ofMinutes((StudyTime) => ask({ StudyDate, StudyTime }), 0, MINUTES, news);
}

/** @param to the minute behind the last */
async function* ofMinutes(
  ask: (time: string) => AsyncGenerator<DicomDataset, FindEnd>,
  from: number,
  to: number,
  news: News,
): AsyncGenerator<DicomDataset> {
  const middle = Math.floor((from + to) / 2);
  for (const [first, last] of [
    [from, middle],
    [middle, to],
  ] as const) {
    const isWhole = yield* upTo(ask(`${clock(first)}00-${clock(last - 1)}59.999999`), Infinity, news);
    if (!isWhole && last - first > 1) yield* ofMinutes(ask, first, last, news);
  }
}

/** Takes at most so many; @returns whether that was all there is */
async function* upTo(
  matches: AsyncGenerator<DicomDataset, FindEnd>,
  most: number,
  news: News,
): AsyncGenerator<DicomDataset, boolean> {
  let count = 0;
  try {
    for (;;) {
      const next = await matches.next();
      if (next.done) return next.value === 'complete';
      if (count === most) return false;
      count += 1;
      if (news(next.value)) yield next.value;
    }
  } finally {
    await matches.return('cut short');
  }
}

async function* filtered(
  matches: AsyncGenerator<DicomDataset, FindEnd>,
  news: News,
): AsyncGenerator<DicomDataset> {
  for await (const study of matches) if (news(study)) yield study;
}

const DAY_MS = 24 * 3_600_000;
const startOf = (day: Date, daysOn: number): Date =>
  new Date(day.getFullYear(), day.getMonth(), day.getDate() + daysOn);
const dayOf = (date: string): Date =>
  new Date(Number(date.slice(0, 4)), Number(date.slice(4, 6)) - 1, Number(date.slice(6, 8)));
const rangeOf = ({ from, to }: Days): string =>
  `${from ? studyDate(from, 0) : ''}-${to ? studyDate(to, 0) : ''}`;
const clock = (minute: number): string =>
  String(Math.floor(minute / 60)).padStart(2, '0') + String(minute % 60).padStart(2, '0');
