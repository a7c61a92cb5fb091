import { DicomError } from '../dicom-error.ts';
import { type DicomDataset, text } from '../reading/dataset.ts';
import { studyDate } from '../study-date.ts';
import type { FindEnd } from './services/find.ts';
import type { Identifier } from './services/identifier.ts';

/** What one search gave. */
export interface Listing {
  readonly matches: readonly DicomDataset[];
  /** `more`: there is more than was asked for. */
  readonly end: FindEnd | 'more';
}

/** One search: what is to match, and how many matches are taken at most. */
export type Ask = (matching: Identifier, most: number) => Promise<Listing>;

interface Limits {
  /** The most that is taken of a search over several days, before it is canceled and split. */
  readonly most: number;
  /** The most that is taken of a single day, or of a part of one. */
  readonly mostOfDay?: number | undefined;
  /** Told that a single day was more than the archive gives at once. */
  readonly dayCut: (day: string) => void;
}

export interface WindowSearch extends Limits {
  readonly lookBack: number | 'all';
  readonly now: Date;
}

/** Days from the first to the last. */
interface Days {
  readonly from: Date;
  readonly to: Date;
}

/** Seconds of a day: the first, and the one behind the last. */
interface PartOfDay {
  readonly from: number;
  readonly to: number;
}

/** So many days are asked for one by one; more of them in halves. */
const DAY_BY_DAY = 31;
/** Few studies are older: what is from before is one window. */
const OLDEST = new Date(1990, 0, 1);
/** Stand for the beginning and the end of time: a range that reaches to them is open. */
const [FIRST_DAY, LAST_DAY] = [new Date(1850, 0, 1), new Date(2199, 11, 31)];
/** More than the largest archives take in on a day. */
const MOST_OF_DAY = 10_000;
const SECONDS_OF_DAY = 24 * 3_600;
/** Searches by StudyTime for one day: ten times what such a day takes where the archive gives a hundred. */
const MOST_PARTS_OF_DAY = 2_000;

/**
 * Studies, each once. C-FIND knows no pages (PS3.4 section C.4.1): what is long is asked for in windows of
 * StudyDate, and a day of which the archive does not give everything in windows of StudyTime. Where `all`
 * takes more than one search, studies without a date are not found; where a day does, those without a time.
 * @throws DICOM_WEB_ANSWER, behind all studies that can be had, where some cannot; at once where matches
 * come without end
 */
export function studiesInWindows(ask: Ask, search: WindowSearch): AsyncGenerator<DicomDataset> {
  return new Windows(ask, search).lookBack(search);
}

/**
 * Studies of some days, each once.
 * @param from StudyDate (DA) of the first day
 * @param until of the last
 * @throws as `studiesInWindows`
 */
export function studiesBetween(
  ask: Ask,
  { from, until, ...limits }: Limits & { readonly from: string; readonly until: string },
): AsyncGenerator<DicomDataset> {
  return new Windows(ask, limits).days({ from: dayOf(from), to: dayOf(until) });
}

/** One search in windows, and what of it is known so far. */
class Windows {
  readonly #ask: Ask;
  readonly #most: number;
  readonly #mostOfDay: number;
  readonly #dayCut: Limits['dayCut'];
  readonly #seen = new Set<string>();
  /** Parts of days of which the archive does not give everything. */
  readonly #notGiven: string[] = [];

  constructor(ask: Ask, { most, mostOfDay = MOST_OF_DAY, dayCut }: Limits) {
    this.#ask = ask;
    this.#most = most;
    this.#mostOfDay = mostOfDay;
    this.#dayCut = dayCut;
  }

  async *lookBack({ lookBack, now }: WindowSearch): AsyncGenerator<DicomDataset> {
    const today = startOf(now, 0);
    if (lookBack === 'all') {
      const { matches, end } = await this.#ask({}, this.#most);
      yield* this.#news(matches);
      if (end === 'complete') return;
      yield* this.#halved({ from: FIRST_DAY, to: startOf(OLDEST, -1) });
      yield* this.#halved({ from: OLDEST, to: today });
    } else if (lookBack < DAY_BY_DAY) {
      for (let back = lookBack; back >= 0; back--) yield* this.#day(startOf(now, -back));
    } else {
      yield* this.#halved({ from: startOf(now, -lookBack), to: today });
    }
    // Clocks differ, and so do the days of time zones.
    yield* this.#halved({ from: startOf(now, 1), to: LAST_DAY });
    this.#refuseLess();
  }

  async *days(days: Days): AsyncGenerator<DicomDataset> {
    yield* this.#halved(days);
    this.#refuseLess();
  }

  async *#halved(days: Days): AsyncGenerator<DicomDataset, void> {
    const { from, to } = days;
    const count = Math.round((to.getTime() - from.getTime()) / DAY_MS) + 1;
    if (count <= 1) {
      yield* this.#day(from);
      return;
    }
    const { matches, end } = await this.#ask({ StudyDate: rangeOf(days) }, this.#most);
    yield* this.#news(matches);
    if (end === 'complete') return;
    const middle = startOf(from, Math.floor(count / 2) - 1);
    yield* this.#halved({ from, to: middle });
    yield* this.#halved({ from: startOf(middle, 1), to });
  }

  async *#day(day: Date): AsyncGenerator<DicomDataset, void> {
    const StudyDate = rangeOf({ from: day, to: day });
    const { matches, end } = await this.#ask({ StudyDate }, this.#mostOfDay);
    yield* this.#news(matches);
    if (end === 'complete') return;
    this.#dayCut(StudyDate);
    let parts = 0;
    const waiting: PartOfDay[] = [{ from: 0, to: SECONDS_OF_DAY }];
    for (let part = waiting.pop(); part; part = waiting.pop()) {
      const middle = Math.floor((part.from + part.to) / 2);
      for (const half of [
        { from: part.from, to: middle },
        { from: middle, to: part.to },
      ]) {
        const found = await this.#partOfDay(StudyDate, half);
        parts += 1;
        yield* this.#news(found.matches);
        if (found.end === 'complete') continue;
        const isHeeded = found.matches.every((study) => isWithin(study, half));
        const isSecond = half.to - half.from === 1;
        if (found.end === 'more' && (!isHeeded || isSecond)) throw this.#endless(StudyDate, half);
        if (!isHeeded || parts > MOST_PARTS_OF_DAY) {
          this.#notGiven.push(`${StudyDate}, which it does not search by StudyTime as it should`);
          return;
        }
        if (isSecond) this.#notGiven.push(`${StudyDate} at ${clock(half.from)}`);
        else waiting.push(half);
      }
    }
  }

  #partOfDay(StudyDate: string, { from, to }: PartOfDay): Promise<Listing> {
    return this.#ask({ StudyDate, StudyTime: `${clock(from)}-${clock(to - 1)}.999999` }, this.#mostOfDay);
  }

  #endless(day: string, { from, to }: PartOfDay): DicomError {
    const what = `more than ${this.#mostOfDay} studies of ${day} from ${clock(from)} to ${clock(to - 1)}`;
    return new DicomError('DICOM_WEB_ANSWER', `the archive gives ${what}: does its search (C-FIND) end?`);
  }

  *#news(studies: readonly DicomDataset[]): Generator<DicomDataset> {
    for (const study of studies) {
      const uid = text(study, 'StudyInstanceUID');
      if (uid === undefined || this.#seen.has(uid)) continue;
      this.#seen.add(uid);
      yield study;
    }
  }

  /** Who rebuilds a history, or waits for every study, would take a part for the whole. */
  #refuseLess(): void {
    if (this.#notGiven.length === 0) return;
    const [first, ...more] = this.#notGiven;
    const others = more.length > 0 ? `, and ${more.length} more such` : '';
    const what = `not all studies of ${first}${others} were given`;
    throw new DicomError('DICOM_WEB_ANSWER', `the archive cuts its searches (C-FIND) short: ${what}`);
  }
}

/** An archive that does not search by StudyTime gives studies of any. */
function isWithin(study: DicomDataset, { from, to }: PartOfDay): boolean {
  const [, hour, minute, second] = /^(\d\d)(\d\d)(\d\d)/.exec(text(study, 'StudyTime') ?? '') ?? [];
  if (hour === undefined) return true;
  const at = Number(hour) * 3_600 + Number(minute) * 60 + Number(second);
  return at >= from && at <= to;
}

const DAY_MS = 24 * 3_600_000;
const startOf = (day: Date, daysOn: number): Date =>
  new Date(day.getFullYear(), day.getMonth(), day.getDate() + daysOn);
const dayOf = (date: string): Date =>
  new Date(Number(date.slice(0, 4)), Number(date.slice(4, 6)) - 1, Number(date.slice(6, 8)));
/** StudyDate as a range (PS3.4 section C.2.2.2.5.1), or as a single day. */
function rangeOf({ from, to }: Days): string {
  const [first, last] = [from <= FIRST_DAY ? '' : studyDate(from, 0), to >= LAST_DAY ? '' : studyDate(to, 0)];
  return first === last && first !== '' ? first : `${first}-${last}`;
}
const clock = (second: number): string =>
  [Math.floor(second / 3_600), Math.floor(second / 60) % 60, second % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join('');
