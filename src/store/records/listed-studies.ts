import { z } from 'zod';
import { rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';
import { STUDY_STATES, type StudyState } from './study-log.ts';
import { knownByWords, likeWord, wordsIn } from './study-words.ts';

export interface StudyFilter {
  readonly state?: StudyState | undefined;
  /** StudyDate from and to, both included: DA, YYYYMMDD. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** With a volume of this class: CT, T1W or T2W. */
  readonly class?: string | undefined;
  /** Each of them is in the name, an id, the description, the scanner or the UID; case does not matter. */
  readonly words?: string | undefined;
  /** Whose state changed at that time or later. */
  readonly changedSince?: Date | undefined;
}

export interface StudyPage {
  readonly limit: number;
  /** So many are left out, the first ones. Where `after` is given it is of no account. */
  readonly offset: number;
  /** `ListedStudies.next` of the page before this one: however far that is, the page is there at once. */
  readonly after?: string | undefined;
}

/** Up to so many studies are counted one by one. */
const COUNTED = 10_000;
/** So many that words lead to are read one by one. */
const FEW = 5_000;
/** Where every row is searched for words: up to so many are counted. */
const WALKED = 1_000;

export interface StudyCounts {
  /** All that the filter lets through. */
  readonly total: number;
  /** How many there would be in each state, were the filter without one. */
  readonly states: Readonly<Record<StudyState, number>>;
  /** Which of these numbers are least ones: there are so many or more. */
  readonly atLeast: readonly ('total' | StudyState)[];
}

export interface ListedStudies extends StudyCounts {
  /** One page of them; those whose state changed last come first. */
  readonly uids: readonly string[];
  /** Where the page after this one begins; undefined where this is the last. */
  readonly next: string | undefined;
}

/** What a filter says as SQL, all but the state and the order. */
interface Conditions {
  readonly from: string;
  readonly where: string;
  readonly parameters: readonly unknown[];
}

const STUDY = 'pansegnet.study';

/** Which studies a page of a list shows, and how many there are. */
export async function listStudies(sql: Sql, filter: StudyFilter, page: StudyPage): Promise<ListedStudies> {
  const words = wordsIn(filter.words);
  const known = words.length > 0 ? await knownByWords(sql, words, FEW) : undefined;
  const conditions = conditionsOf(filter, known ?? words);
  const counts =
    words.length > 0
      ? await countSome(sql, conditions, known ? FEW : WALKED)
      : await countEach(sql, conditions);
  return { ...totalOf(counts, filter.state), ...(await pageOf(sql, conditions, filter.state, page)) };
}

/** @param named the UIDs that the words lead to, or the words that every row is to be searched for */
function conditionsOf(
  filter: StudyFilter,
  named: { readonly uids: readonly string[] } | readonly string[],
): Conditions {
  const parameters: unknown[] = [];
  const parameter = (value: unknown): string => `$${parameters.push(value)}`;
  const where: string[] = ['true'];
  if (filter.changedSince) where.push(`changed_at >= ${parameter(filter.changedSince)}`);
  if (filter.from) where.push(`listed_date >= ${parameter(filter.from)}`);
  if (filter.to) where.push(`listed_date <= ${parameter(filter.to)} AND listed_date <> ''`);
  if (filter.class) where.push(`${parameter(filter.class)} = ANY (listed_classes)`);
  let from = STUDY;
  if ('uids' in named) {
    where.push(`study_instance_uid = ANY (${parameter(named.uids)}::text[])`);
  } else if (named.length > 0) {
    from = `${STUDY} LEFT JOIN pansegnet.study_header USING (study_instance_uid)`;
    // A study without a header has its UID alone to be found by.
    for (const word of named) {
      const like = `LIKE ${parameter(likeWord(word))}`;
      where.push(`(words ${like} OR (listed_date IS NULL AND study_instance_uid ${like}))`);
    }
  }
  return { from, where: where.join(' AND '), parameters };
}

interface Counts {
  readonly states: Readonly<Record<StudyState, number>>;
  readonly isLeast: (state: StudyState) => boolean;
}

const stateCount = z.object({ state: z.enum(STUDY_STATES), studies: z.int() });
const NONE: Readonly<Record<StudyState, number>> = {
  seen: 0,
  queued: 0,
  running: 0,
  done: 0,
  skipped: 0,
  failed: 0,
};

const byState = (rows: readonly unknown[]): Record<StudyState, number> => ({
  ...NONE,
  ...Object.fromEntries(rowsOf(stateCount, rows).map(({ state, studies }) => [state, studies])),
});

/** Counts each state by itself, up to where people stop caring. */
async function countEach(sql: Sql, { from, where, parameters }: Conditions): Promise<Counts> {
  const next = parameters.length + 1;
  const counted = byState(
    await sql.query(
      `SELECT one.state, (SELECT count(*) FROM (SELECT 1 FROM ${from}
         WHERE study.state = one.state AND ${where} LIMIT ${COUNTED + 1}) AS first_ones)::int AS studies
       FROM unnest($${next}::text[]) AS one (state)`,
      [...parameters, STUDY_STATES],
    ),
  );
  const isLeast = (state: StudyState): boolean => counted[state] > COUNTED;
  const states = Object.fromEntries(
    STUDY_STATES.map((state) => [state, Math.min(counted[state], COUNTED)]),
  ) as Record<StudyState, number>;
  return { states, isLeast };
}

/** The states of the first that are found. */
async function countSome(sql: Sql, { from, where, parameters }: Conditions, most: number): Promise<Counts> {
  const states = byState(
    await sql.query(
      `SELECT state, count(*)::int AS studies
       FROM (SELECT state FROM ${from} WHERE ${where}
         ORDER BY changed_at DESC, study_instance_uid LIMIT ${most + 1}) AS first_ones GROUP BY state`,
      parameters,
    ),
  );
  const isAll = sum(states) <= most;
  return { states, isLeast: () => !isAll };
}

const sum = (states: Readonly<Record<StudyState, number>>): number =>
  Object.values(states).reduce((a, b) => a + b, 0);

function totalOf({ states, isLeast }: Counts, state: StudyState | undefined): StudyCounts {
  const least = STUDY_STATES.filter(isLeast);
  const total = state ? states[state] : sum(states);
  const isTotalLeast = state ? isLeast(state) : least.length > 0;
  return { total, states, atLeast: isTotalLeast ? ['total', ...least] : least };
}

const placedRow = z.object({ uid: z.string(), micros: z.string() });

/**
 * The index alone is read for it, however far the page is; the rows of the table only of what is shown.
 */
async function pageOf(
  sql: Sql,
  { from, where, parameters }: Conditions,
  state: StudyState | undefined,
  { limit, offset, after }: StudyPage,
): Promise<Pick<ListedStudies, 'uids' | 'next'>> {
  const all = [...parameters];
  const parameter = (value: unknown): string => `$${all.push(value)}`;
  const ofState = state ? `AND state = ${parameter(state)}` : '';
  const place = placeOf(after);
  let beyond = '';
  if (place) {
    const moment = `(to_timestamp(0) + ${parameter(place.micros)}::bigint * interval '1 microsecond')`;
    beyond = `AND changed_at <= ${moment}
      AND (changed_at < ${moment} OR study_instance_uid > ${parameter(place.uid)})`;
  }
  const rows = rowsOf(
    placedRow,
    await sql.query(
      `SELECT study_instance_uid AS uid, (extract(epoch FROM changed_at) * 1000000)::bigint::text AS micros
       FROM ${from} WHERE ${where} ${ofState} ${beyond}
       ORDER BY changed_at DESC, study_instance_uid
       LIMIT ${parameter(limit + 1)} OFFSET ${parameter(place ? 0 : offset)}`,
      all,
    ),
  );
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    uids: rows.slice(0, limit).map(({ uid }) => uid),
    next: last && `${last.micros}_${last.uid}`,
  };
}

/** The form of `ListedStudies.next`. */
export const PLACE = /^(\d{1,18})_([0-9A-Za-z.-]{1,128})$/;

function placeOf(after: string | undefined): { micros: string; uid: string } | undefined {
  const [, micros, uid] = PLACE.exec(after ?? '') ?? [];
  return micros !== undefined && uid !== undefined ? { micros, uid } : undefined;
}
