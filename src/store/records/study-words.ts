import { z } from 'zod';
import { rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

/** What is searched for, as it stands in the database; PostgreSQL takes no NUL in a text. */
export const wordsIn = (text = ''): string[] =>
  text.replaceAll('\0', ' ').toLowerCase().split(/\s+/).filter(Boolean);

/** Of LIKE's own characters, none means anything. */
export const likeWord = (word: string): string => `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`;

/** A UID, or a part of one. */
const OF_UID = /^[0-9.]+$/;

const uidRow = z.object({ uid: z.string() });

/**
 * The studies that hold each of the words, where these are few: by the pieces of the words, for which there
 * is an index. Undefined where they are many, and every list begins with some.
 * @param few how many studies are few
 */
export async function knownByWords(
  sql: Sql,
  words: readonly string[],
  few: number,
): Promise<{ readonly uids: readonly string[] } | undefined> {
  const pieces = `(SELECT array_agg(DISTINCT piece)
    FROM unnest($1::text[]) AS word, unnest(pansegnet.pieces(word)) AS piece)`;
  const [row] = await sql.query(`SELECT coalesce(${pieces}, '{}') AS pieces`, [words]);
  const { pieces: all } = z.object({ pieces: z.array(z.string()) }).parse(row);
  if (all.length === 0 || (await expected(sql, all)) > EXPECTED_FACTOR * few) return undefined;
  const likes = words.map((_, place) => `LIKE $${place + 2}`);
  const each = (text: string): string => likes.map((like) => `${text} ${like}`).join(' AND ');
  const uids = words.every((word) => OF_UID.test(word))
    ? `UNION ALL SELECT study_instance_uid FROM pansegnet.study WHERE listed_date IS NULL
         AND ${each('study_instance_uid')}`
    : '';
  const rows = await sql.query(
    `SELECT study_instance_uid AS uid FROM pansegnet.study_header
     WHERE pansegnet.pieces(words) @> $1::text[] AND ${each('words')} ${uids} LIMIT ${few + 1}`,
    [all, ...words.map(likeWord)],
  );
  return rows.length > few ? undefined : { uids: rowsOf(uidRow, rows).map(({ uid }) => uid) };
}

/** What the planner expects is a guess: not before it is far beyond what is few, it is taken for true. */
const EXPECTED_FACTOR = 3;

const plan = z.tuple([z.object({ Plan: z.object({ 'Plan Rows': z.number() }) })]);

/** How many headers hold all of these pieces, as the planner guesses by its statistics. */
async function expected(sql: Sql, pieces: readonly string[]): Promise<number> {
  const [row] = await sql.query(
    `EXPLAIN (FORMAT JSON) SELECT FROM pansegnet.study_header WHERE pansegnet.pieces(words) @> $1::text[]`,
    [pieces],
  );
  return plan.parse(row?.['QUERY PLAN'])[0].Plan['Plan Rows'];
}
