import { type DicomDataset, text } from '../reading/dataset.ts';
import type { Detour } from './archive-access.ts';
import { badAnswer } from './errors.ts';
import { isRefusedQuery } from './refusals.ts';

/** Parameters of a QIDO-RS request. */
export type Query = Readonly<Record<string, string>>;

export interface Search {
  /** For messages. */
  readonly url: string;
  /** Keyword of the UID that tells results apart. */
  readonly key: string;
  /** What is looked for. */
  readonly matching?: Query;
  /** Attributes that archives give only where they are asked for (includefield), as tags. */
  readonly fields?: string;
  readonly pageSize: number;
}

/** One way to ask: archives refuse large pages, attributes that they do not know, or pages at all. */
interface Way {
  /** Results per request; undefined: all of them in one answer. */
  readonly limit: number | undefined;
  readonly fields: boolean;
  /** Whether the first result is named (offset), for the first page too. */
  readonly offset: boolean;
}

/** Cloud archives take up to 200 or 100; nobody less than this. */
const SMALLER_PAGES = [100, 25] as const;

/** The ways to ask, those that lose least first. */
function waysFor(pageSize: number): readonly Way[] {
  const limits = [pageSize, ...SMALLER_PAGES.filter((limit) => limit < pageSize)];
  const [first = pageSize, second, ...small] = limits;
  const paged = (limit: number, fields: boolean): Way => ({ limit, fields, offset: true });
  return [
    paged(first, true),
    ...(second === undefined ? [] : [paged(second, true)]),
    paged(first, false),
    ...(second === undefined ? [] : [paged(second, false)]),
    ...small.flatMap((limit) => [paged(limit, true), paged(limit, false)]),
    { limit: first, fields: true, offset: false },
    { limit: undefined, fields: true, offset: false },
    { limit: undefined, fields: false, offset: false },
  ];
}

/** What is remembered of how an archive wants to be asked, so that it refuses each thing once. */
export class SearchHabits {
  readonly #told: (detour: Detour) => void;
  #known: Way | undefined;

  constructor(told: (detour: Detour) => void) {
    this.#told = told;
  }

  /** The way that the archive answered last, then all of them. */
  ways(pageSize: number): readonly Way[] {
    const all = waysFor(pageSize);
    if (!this.#known) return all;
    const { limit, ...known } = this.#known;
    const first = { ...known, limit: limit === undefined ? undefined : Math.min(limit, pageSize) };
    return [first, ...all.filter((way) => !isSame(way, first))];
  }

  /** @param refusal of the first way that was tried, where that was another one */
  answered(way: Way, refusal: { readonly query: Query; readonly error: unknown } | undefined): void {
    if (!refusal) return;
    this.#known = way;
    const pages = way.limit === undefined ? 'all results at once' : `pages of ${way.limit}`;
    this.#told({
      refused: `a search with ${wordsOf(refusal.query)} (QIDO-RS)`,
      instead: way.fields ? pages : `${pages}, without includefield`,
      because: refusal.error,
    });
  }
}

const isSame = (one: Way, other: Way): boolean =>
  one.limit === other.limit && one.fields === other.fields && one.offset === other.offset;

const wordsOf = (query: Query): string =>
  Object.entries(query)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');

function queryOf({ matching, fields }: Search, way: Way, offset: number): Query {
  return {
    ...matching,
    ...(way.fields && fields !== undefined ? { includefield: fields } : {}),
    ...(way.limit === undefined ? {} : { limit: String(way.limit) }),
    ...(way.offset ? { offset: String(offset) } : {}),
  };
}

/**
 * All results of a search, page by page, in the archive's order; each once. Ends with the first page that
 * brings nothing new: a short page may be the cap of an archive.
 * @param ask sends one request
 * @throws what `ask` throws; DICOM_WEB_ANSWER where the archive gives the same page again and again, and not
 * all at once either: what is behind it would be lost
 */
export async function* searchPages(
  search: Search,
  habits: SearchHabits,
  ask: (query: Query) => Promise<DicomDataset[]>,
): AsyncGenerator<DicomDataset> {
  const seen = new Set<string>();
  const news = function* (results: readonly DicomDataset[]): Generator<DicomDataset> {
    for (const result of results) {
      const uid = text(result, search.key);
      // A result without its UID (they exist) names nothing that could be fetched.
      if (uid === undefined || seen.has(uid)) continue;
      seen.add(uid);
      yield result;
    }
  };
  for (let offset = 0; ; ) {
    const { results, way } = await askedSomehow(search, habits, ask, offset);
    const before = seen.size;
    yield* news(results);
    if (way.limit === undefined) return;
    const isNew = seen.size > before;
    if (way.offset && !isNew) {
      // A full page of what was there before: the archive takes no notice of the offset.
      if (offset === 0 || results.length !== way.limit) return;
      yield* news(await allAtOnce(search, way, ask));
      return;
    }
    if (!way.offset) {
      if (results.length >= way.limit) yield* news(await allAtOnce(search, way, ask));
      return;
    }
    offset += results.length;
  }
}

async function allAtOnce(
  search: Search,
  { fields }: Way,
  ask: (query: Query) => Promise<DicomDataset[]>,
): Promise<DicomDataset[]> {
  try {
    return await ask(queryOf(search, { limit: undefined, fields, offset: false }, 0));
  } catch (error) {
    if (!isRefusedQuery(error)) throw error;
    throw badAnswer(search.url, 'the archive gives the same page for every offset', error);
  }
}

/** One page, in the first way that the archive does not refuse. */
async function askedSomehow(
  search: Search,
  habits: SearchHabits,
  ask: (query: Query) => Promise<DicomDataset[]>,
  offset: number,
): Promise<{ results: DicomDataset[]; way: Way }> {
  let refusal: { readonly query: Query; readonly error: unknown } | undefined;
  const asked = new Set<string>();
  for (const way of habits.ways(search.pageSize)) {
    const query = queryOf(search, way, offset);
    const written = JSON.stringify(query);
    if (asked.has(written)) continue;
    asked.add(written);
    try {
      const results = await ask(query);
      habits.answered(way, refusal);
      return { results, way };
    } catch (error) {
      if (!isRefusedQuery(error)) throw refusal?.error ?? error;
      refusal ??= { query, error };
    }
  }
  throw refusal?.error;
}
