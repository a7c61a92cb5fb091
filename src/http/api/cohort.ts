import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { z } from 'zod';
import {
  type CohortFilter,
  cohortBin,
  cohortPoint,
  cohortPoints,
  cohortRows,
} from '../../store/records/cohort.ts';
import { csvLine } from '../../store/records/volumes-csv.ts';
import type { ApiParts } from './api-parts.ts';
import { type CohortColumn, cohortCsv, cohortJson, cohortVolume } from './cohort-columns.ts';
import { chosenColumns, cohortFilter, cohortQuery } from './cohort-query.ts';
import type { Operation } from './operation.ts';

const pointsAnswer = z.object({
  binMl: z.number(),
  bins: z.array(cohortBin).describe('volumes from bin * binMl ml on'),
  points: z.array(cohortPoint).describe('of more than some thousands, ones that are picked evenly'),
});

/** The volumes of all patients: as files, sent as they are read, and as what charts need. */
export function cohortOperations({
  database,
  pages,
  trends,
  modelHashesInUse,
}: Pick<ApiParts, 'database' | 'pages' | 'trends' | 'modelHashesInUse'>): Operation[] {
  const file = (
    kind: 'csv' | 'json',
    summary: string,
    answer: Operation['answer'],
    textOf: (filter: CohortFilter, columns: readonly CohortColumn[]) => AsyncIterable<string>,
  ): Operation => ({
    method: 'get',
    path: `/volumes.${kind}`,
    summary,
    query: cohortQuery,
    answer,
    handle: async (request, response) => {
      const query = cohortQuery.parse(request.query);
      response.attachment(`volumes.${kind}`).type(kind);
      if (request.method === 'HEAD') response.end();
      else await sent(textOf(cohortFilter(query), chosenColumns(query, pages.cohortPatient)), response);
    },
  });
  return [
    file(
      'csv',
      'The volumes of all patients as comma-separated values, those first measured last come first',
      { status: 200, description: 'a line of names, then a line per volume', type: 'text/csv' },
      async function* (filter, columns) {
        yield csvLine(columns);
        for await (const row of cohortRows(database, filter, await modelHashesInUse?.()))
          yield cohortCsv(row, columns);
      },
    ),
    file(
      'json',
      'The same as JSON',
      {
        status: 200,
        description: 'each volume with the columns that were asked for; null: not known',
        schema: z.object({ volumes: z.array(cohortVolume) }),
      },
      async function* (filter, columns) {
        yield '{"volumes":[';
        let between = '\n';
        for await (const row of cohortRows(database, filter, await modelHashesInUse?.())) {
          yield between + cohortJson(row, columns);
          between = ',\n';
        }
        yield '\n]}\n';
      },
    ),
    {
      method: 'get',
      path: '/volumes/points',
      summary: 'What charts of these volumes show: how they are distributed, and beside what',
      query: cohortQuery.omit({ columns: true }),
      answer: { status: 200, description: 'bins and points', schema: pointsAnswer },
      handle: async (request, response) => {
        const filter = cohortFilter(cohortQuery.parse(request.query));
        const modelsInUse = await modelHashesInUse?.();
        response.json(await cohortPoints(database, filter, { ...trends, modelsInUse }));
      },
    },
  ];
}

/** Lines are gathered to pieces of about this many characters. */
const PIECE = 32_768;

/** Nothing is read from the database while the receiver is behind. */
async function sent(lines: AsyncIterable<string>, response: Response): Promise<void> {
  await pipeline(Readable.from(pieces(lines), { highWaterMark: 1 }), response);
}

async function* pieces(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let piece = '';
  for await (const line of lines) {
    piece += line;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}
