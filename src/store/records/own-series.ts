import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type DicomDataset, requiredNumber, requiredText, text } from '../../dicom/reading/dataset.ts';
import { columnsOf, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

const RESULT_KINDS = ['SEG', 'SR', 'SC', 'PDF', 'KO'] as const;
export type ResultKind = (typeof RESULT_KINDS)[number];

/** One of the node's own series in the archive. */
const resultRow = z.object({
  studyInstanceUid: z.string(),
  seriesInstanceUid: z.string(),
  sopInstanceUid: z.string(),
  kind: z.enum(RESULT_KINDS),
});
export type ResultSeries = Readonly<z.output<typeof resultRow>>;

/** Modalities that the node writes, now or in a later version; series of any other cannot be its own. */
const RESULT_MODALITIES: ReadonlySet<string> = new Set(['SEG', 'SR', 'OT', 'DOC', 'KO']);

/**
 * Remembers results as the node's own. To be called before they are stored, so that no look takes them for
 * news.
 */
export async function recordResultSeries(
  sql: Sql,
  results: readonly ResultSeries[],
  now: Date,
): Promise<void> {
  for (const { seriesInstanceUid, studyInstanceUid, sopInstanceUid, kind } of results) {
    await sql.query(
      `INSERT INTO pansegnet.result_series
         (series_instance_uid, study_instance_uid, sop_instance_uid, kind, recorded_at)
       VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
      [seriesInstanceUid, studyInstanceUid, sopInstanceUid, kind, now],
    );
  }
}

/** Keeps which series were stored with a report; a later report with the same segmentation takes it over. */
export async function linkResultSeries(
  sql: Sql,
  reportInstanceUid: string,
  seriesInstanceUids: readonly string[],
): Promise<void> {
  await sql.query(
    'UPDATE pansegnet.result_series SET of_report = $1 WHERE series_instance_uid = ANY($2::text[])',
    [reportInstanceUid, seriesInstanceUids],
  );
}

/** The series that were stored with these reports; none of those that an earlier version stored. */
export async function seriesOfReports(
  sql: Sql,
  reportInstanceUids: readonly string[],
): Promise<readonly string[]> {
  const rows = await sql.query(
    `SELECT series_instance_uid AS "seriesInstanceUid" FROM pansegnet.result_series
     WHERE of_report = ANY($1::text[]) ORDER BY recorded_at, series_instance_uid`,
    [reportInstanceUids],
  );
  return rowsOf(resultRow.pick({ seriesInstanceUid: true }), rows).map((row) => row.seriesInstanceUid);
}

/** The PDF that was stored with a report; undefined where there is none, or an earlier version stored it. */
export async function pdfOfReport(
  sql: Sql,
  studyInstanceUid: string,
  reportInstanceUid: string,
): Promise<ResultSeries | undefined> {
  const rows = await sql.query(
    `SELECT ${columnsOf(resultRow)} FROM pansegnet.result_series
     WHERE study_instance_uid = $1 AND of_report = $2 AND kind = 'PDF' ORDER BY recorded_at DESC LIMIT 1`,
    [studyInstanceUid, reportInstanceUid],
  );
  return rowsOf(resultRow, rows)[0];
}

/** The node's own results in a study, oldest first. */
export async function resultSeriesOf(sql: Sql, studyInstanceUid: string): Promise<ResultSeries[]> {
  const rows = await sql.query(
    `SELECT ${columnsOf(resultRow)} FROM pansegnet.result_series
     WHERE study_instance_uid = $1 ORDER BY recorded_at, series_instance_uid`,
    [studyInstanceUid],
  );
  return rowsOf(resultRow, rows);
}

export interface OwnSeriesParts {
  readonly database: Sql;
  /** The metadata (WADO-RS) of a series. */
  readonly seriesMetadata: (studyInstanceUid: string, seriesInstanceUid: string) => Promise<DicomDataset[]>;
  /** Whether an instance says of itself that this program wrote it. */
  readonly isOwnResult: (dataset: DicomDataset) => boolean;
}

/**
 * Whether a series is of a modality that the node writes. One without a modality may be anything.
 * @param series as QIDO-RS lists it
 */
export const mayBeOwnResult = (series: DicomDataset): boolean =>
  RESULT_MODALITIES.has(text(series, 'Modality') ?? 'SEG');

/**
 * The series of a study that the node did not write. Its own are known from its records or, where another
 * installation (or this one, before its database was lost) wrote them, from what their first instance says:
 * asked once, then remembered.
 * @param series as QIDO-RS lists them
 */
export async function foreignSeries(
  { database, seriesMetadata, isOwnResult }: OwnSeriesParts,
  studyInstanceUid: string,
  series: readonly DicomDataset[],
): Promise<DicomDataset[]> {
  const recorded = new Set(
    (await resultSeriesOf(database, studyInstanceUid)).map(({ seriesInstanceUid }) => seriesInstanceUid),
  );
  const isOwn = async (item: DicomDataset): Promise<boolean> => {
    const uid = requiredText(item, 'SeriesInstanceUID', `a series of study ${studyInstanceUid}`);
    if (recorded.has(uid)) return true;
    if (!mayBeOwnResult(item)) return false;
    const remembered = await rememberedOrigin(database, uid);
    if (remembered !== undefined) return remembered;
    const [first] = await seriesMetadata(studyInstanceUid, uid);
    if (!first) return false;
    const own = isOwnResult(first);
    await database.query('INSERT INTO pansegnet.series_origin VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      uid,
      own,
    ]);
    return own;
  };
  const foreign: DicomDataset[] = [];
  for (const item of series) if (!(await isOwn(item))) foreign.push(item);
  return foreign;
}

async function rememberedOrigin(sql: Sql, seriesInstanceUid: string): Promise<boolean | undefined> {
  const rows = await sql.query('SELECT own FROM pansegnet.series_origin WHERE series_instance_uid = $1', [
    seriesInstanceUid,
  ]);
  return rowsOf(z.object({ own: z.boolean() }), rows)[0]?.own;
}

/**
 * Stands for which series a study has and how many instances each: equal as long as nothing came or went.
 * @param series the foreign ones, as QIDO-RS lists them with NumberOfSeriesRelatedInstances
 */
export function fingerprintOf(series: readonly DicomDataset[]): string {
  const counts = series.map((item) => {
    const uid = requiredText(item, 'SeriesInstanceUID', 'a series in the archive');
    return `${uid}:${requiredNumber(item, 'NumberOfSeriesRelatedInstances', `series ${uid}`)}`;
  });
  return createHash('sha256').update(counts.sort().join('\n')).digest('hex');
}
