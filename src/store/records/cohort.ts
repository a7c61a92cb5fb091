import { z } from 'zod';
import { MODES } from '../../inference-mode.ts';
import { rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';
import { volumesOfPatients } from './history.ts';
import { comparabilityOfVolumes } from './patient-record.ts';
import { REVIEW_DECISIONS } from './reviews.ts';
import type { Comparability } from './trends.ts';
import { factsSlot, volumeFacts } from './volume-facts.ts';

/** Which volumes of all patients are asked for; what is left out does not matter. */
export interface CohortFilter {
  /** StudyDate from and to, both included: DA. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Part of the scanner's manufacturer and model; case does not matter. */
  readonly scanner?: string | undefined;
  /** The model's name. */
  readonly model?: string | undefined;
  readonly class?: string | undefined;
  readonly phase?: string | undefined;
  /** A quality flag; `none`: without any. */
  readonly flag?: string | undefined;
  /** `none`: nobody has reviewed it. `corrected` and `withdrawn` are found so, too. */
  readonly review?: string | undefined;
  /** In full years at the study, both included. */
  readonly ageFrom?: number | undefined;
  readonly ageTo?: number | undefined;
  readonly sex?: string | undefined;
  /** When the result was made: from the first moment to before the second. */
  readonly madeFrom?: Date | undefined;
  readonly madeUntil?: Date | undefined;
}

const cohortRow = z.object({
  id: z.int(),
  patientKey: z.string(),
  patientId: z.string().nullable(),
  issuer: z.string().nullable(),
  ageYears: z.number().nullable(),
  sex: z.string().nullable(),
  studyDate: z.string(),
  studyTime: z.string(),
  studyInstanceUid: z.string(),
  scanner: z.string().nullable(),
  weightKg: z.number().nullable(),
  sizeM: z.number().nullable(),
  seriesInstanceUid: z.string(),
  part: z.string(),
  class: z.string(),
  modelName: z.string(),
  modelVersion: z.string(),
  modelSha256: z.string(),
  mode: z.enum(MODES),
  volumeMl: z.number(),
  voxelCount: z.int(),
  intervalMl: z.object({ low: z.number(), high: z.number() }).nullable(),
  flags: z.array(z.string()),
  isFound: z.boolean(),
  report: z.string(),
  historyAlone: z.boolean(),
  supersedes: z.string().nullable(),
  contentDateTime: z.date(),
  correctedMl: z.number().nullable(),
  withdrawn: z.string().nullable(),
  review: z.enum(REVIEW_DECISIONS).nullable(),
  reviewReason: z.string().nullable(),
  facts: volumeFacts.nullable(),
});
/** A volume with all that is known of it, whoever the patient is. */
export type CohortRow = Readonly<z.output<typeof cohortRow>> & {
  /** Whether figures and charts of what the filter lets through count it. */
  readonly counted: boolean;
  /** Of one patient key, the volumes of different numbers are not proven to be one person's. */
  readonly compared: Comparability | undefined;
};

/** What figures and charts go by. */
export interface CohortCounting {
  /** Whether a reader's correction takes the place of what the node measured. */
  readonly correctedCounts: boolean;
  /** Hashes of the models that measure new studies; undefined: not known. */
  readonly modelsInUse?: ReadonlySet<string> | undefined;
}

/** DA; what is none is no date to count from. */
const DAY = String.raw`'^\d{8}$'`;
/** As `ageInYears`: of the birth date where one is kept, else what the run has read. */
const AGE = `CASE WHEN birth_date ~ ${DAY} AND volume.study_date ~ ${DAY} AND birth_date <= volume.study_date
    THEN (volume.study_date::int - birth_date::int) / 10000
    ELSE (facts.value->>'ageYears')::float8 END`;

const COLUMNS = `volume.id, volume.patient_key AS "patientKey", patient_id AS "patientId", issuer,
  (${AGE})::float8 AS "ageYears", sex, volume.study_date AS "studyDate", volume.study_time AS "studyTime",
  volume.study_instance_uid AS "studyInstanceUid", scanner, weight_kg AS "weightKg", size_m AS "sizeM",
  series_instance_uid AS "seriesInstanceUid", part, class, model_name AS "modelName",
  model_version AS "modelVersion", model_sha256 AS "modelSha256", mode, volume_ml AS "volumeMl",
  voxel_count AS "voxelCount", interval_ml AS "intervalMl", flags, seg IS NOT NULL AS "isFound",
  report->>'sopInstanceUid' AS report, history_alone AS "historyAlone", supersedes,
  content_date_time AS "contentDateTime", (correction->>'volumeMl')::float8 AS "correctedMl",
  withdrawn->>'reason' AS withdrawn, latest.decision AS review, latest.reason AS "reviewReason",
  facts.value AS facts`;

/** Each volume with its study's header, its latest review and its facts: by indexes, row by row. */
const FROM = `pansegnet.volume
  LEFT JOIN pansegnet.study_header ON study_header.study_instance_uid = volume.study_instance_uid
  LEFT JOIN LATERAL (
    SELECT decision, reason FROM pansegnet.review
    WHERE report_sop_instance_uid = volume.report->>'sopInstanceUid' ORDER BY review.id DESC LIMIT 1
  ) AS latest ON true
  LEFT JOIN LATERAL (
    SELECT value FROM pansegnet.run JOIN pansegnet.run_input ON run_input.run_id = run.id
    WHERE run.study_instance_uid = volume.study_instance_uid
      AND slot = ${factsSlot(`volume.report->>'sopInstanceUid'`)} ORDER BY run.id DESC LIMIT 1
  ) AS facts ON true`;

/** What is withdrawn or rejected, or is none, goes into no figure. */
const COUNTS = `(withdrawn IS NULL AND latest.decision IS DISTINCT FROM 'rejected'
  AND (seg IS NOT NULL OR correction IS NOT NULL))`;

/**
 * Several models may have measured the same images: of what counts, the one of the model in use does, else
 * what is in the archive and was made last. Which one is chosen among the rows that fit the filter.
 * @param models where the hashes of the models in use stand among the parameters
 */
const counted = (models: string): string => `(${COUNTS} AND row_number() OVER (
    PARTITION BY series_instance_uid, part
    ORDER BY ${COUNTS} DESC, model_sha256 = ANY (${models}::text[]) DESC, history_alone,
      content_date_time DESC, volume.id DESC) = 1)`;

interface Where {
  readonly sql: string;
  readonly parameters: unknown[];
}

function conditions(filter: CohortFilter): Where {
  const parameters: unknown[] = [];
  const parameter = (value: unknown): string => `$${parameters.push(value)}`;
  const where = ['true'];
  const add = (value: unknown, condition: (parameter: string) => string): void => {
    if (value !== undefined && value !== '') where.push(condition(parameter(value)));
  };
  add(filter.from, (p) => `volume.study_date >= ${p}`);
  add(filter.to, (p) => `volume.study_date <= ${p} AND volume.study_date <> ''`);
  add(filter.scanner?.toLowerCase(), (p) => `strpos(lower(coalesce(scanner, '')), ${p}) > 0`);
  add(filter.model, (p) => `model_name = ${p}`);
  add(filter.class, (p) => `class = ${p}`);
  add(filter.phase, (p) => `facts.value->>'phase' = ${p}`);
  add(filter.sex, (p) => `sex = ${p}`);
  add(filter.ageFrom, (p) => `(${AGE}) >= ${p}::float8`);
  add(filter.ageTo, (p) => `(${AGE}) <= ${p}::float8`);
  add(filter.madeFrom, (p) => `content_date_time >= ${p}`);
  add(filter.madeUntil, (p) => `content_date_time < ${p}`);
  if (filter.flag === 'none') where.push(`jsonb_array_length(flags) = 0`);
  else add(filter.flag, (p) => `flags @> jsonb_build_array(${p}::text)`);
  if (filter.review === 'none') where.push('latest.decision IS NULL');
  else if (filter.review === 'corrected') where.push('correction IS NOT NULL');
  else if (filter.review === 'withdrawn') where.push('withdrawn IS NOT NULL');
  else add(filter.review, (p) => `latest.decision = ${p}`);
  return { sql: where.join(' AND '), parameters };
}

/**
 * One page of the volumes, those that were first measured last come first.
 * @param page.before the id of the last row of the page before this one
 */
export async function cohortPage(
  sql: Sql,
  filter: CohortFilter,
  page: { readonly limit: number; readonly before?: number | undefined },
  modelsInUse?: CohortCounting['modelsInUse'],
): Promise<CohortRow[]> {
  const { sql: where, parameters } = conditions(filter);
  const next = parameters.length;
  const selected = await sql.query(
    `SELECT ${COLUMNS} FROM ${FROM}
     WHERE ${where} AND ($${next + 1}::int IS NULL OR volume.id < $${next + 1})
     ORDER BY volume.id DESC LIMIT $${next + 2}`,
    [...parameters, page.before ?? null, page.limit],
  );
  const rows = rowsOf(cohortRow, selected);
  const chosen = await countedAmong(sql, filter, rows, modelsInUse);
  const patients = [...new Set(rows.map(({ patientKey }) => patientKey))];
  const compared = await comparabilityOfVolumes(sql, await volumesOfPatients(sql, patients));
  return rows.map((row) => ({
    ...row,
    counted: chosen.has(row.id),
    compared: compared.get(row.studyInstanceUid),
  }));
}

/** Those of the rows that count: what else was measured in their series may stand on another page. */
async function countedAmong(
  sql: Sql,
  filter: CohortFilter,
  rows: readonly { readonly seriesInstanceUid: string }[],
  modelsInUse: CohortCounting['modelsInUse'],
): Promise<ReadonlySet<number>> {
  const { sql: where, parameters } = conditions(filter);
  const next = parameters.length;
  const found = await sql.query(
    `SELECT id FROM (
       SELECT volume.id, ${counted(`$${next + 1}`)} AS counted FROM ${FROM}
       WHERE ${where} AND series_instance_uid = ANY ($${next + 2}::text[])) AS measured
     WHERE counted`,
    [...parameters, [...(modelsInUse ?? [])], rows.map(({ seriesInstanceUid }) => seriesInstanceUid)],
  );
  return new Set(rowsOf(cohortRow.pick({ id: true }), found).map(({ id }) => id));
}

/** So many rows are in memory at a time. */
const ROWS_AT_A_TIME = 500;

/** All of them, in the order of the pages, as fast as they are taken: memory holds a few hundred. */
export async function* cohortRows(
  sql: Sql,
  filter: CohortFilter,
  modelsInUse?: CohortCounting['modelsInUse'],
): AsyncGenerator<CohortRow> {
  let before: number | undefined;
  for (;;) {
    const rows = await cohortPage(sql, filter, { limit: ROWS_AT_A_TIME, before }, modelsInUse);
    yield* rows;
    before = rows.at(-1)?.id;
    if (rows.length < ROWS_AT_A_TIME) return;
  }
}

const summaryRow = z.object({
  volumes: z.int(),
  /** Keys, not people: some may share a PatientID. */
  patientKeys: z.int(),
  /** Of so many, one per series and part, are the median and the quartiles. */
  counted: z.int(),
  medianMl: z.number().nullable(),
  lowerQuartileMl: z.number().nullable(),
  upperQuartileMl: z.number().nullable(),
});
export type CohortSummary = Readonly<z.output<typeof summaryRow>>;

const measured = (correctedCounts: boolean): string =>
  correctedCounts ? `coalesce((correction->>'volumeMl')::float8, volume_ml)` : 'volume_ml';

export async function cohortSummary(
  sql: Sql,
  filter: CohortFilter,
  { correctedCounts, modelsInUse }: CohortCounting,
): Promise<CohortSummary> {
  const { sql: where, parameters } = conditions(filter);
  const quantile = (share: number) =>
    `percentile_cont(${share}) WITHIN GROUP (ORDER BY ml) FILTER (WHERE counted)`;
  const rows = await sql.query(
    `SELECT count(*)::int AS volumes, count(DISTINCT patient_key)::int AS "patientKeys",
       (count(*) FILTER (WHERE counted))::int AS counted, ${quantile(0.5)} AS "medianMl",
       ${quantile(0.25)} AS "lowerQuartileMl", ${quantile(0.75)} AS "upperQuartileMl"
     FROM (SELECT volume.patient_key, ${measured(correctedCounts)} AS ml,
         ${counted(`$${parameters.length + 1}`)} AS counted
       FROM ${FROM} WHERE ${where}) AS fitting`,
    [...parameters, [...(modelsInUse ?? [])]],
  );
  return z.tuple([summaryRow]).parse(rows)[0];
}

export const cohortBin = z.object({ bin: z.int(), volumes: z.int() });
export const cohortPoint = z.object({
  ml: z.number(),
  ageYears: z.number().nullable(),
  thicknessMm: z.number().nullable(),
  scanner: z.string(),
  studyInstanceUid: z.string(),
  report: z.string(),
});
type CohortPoint = Readonly<z.output<typeof cohortPoint>>;

/** What the charts of the cohort show. */
export interface CohortPoints {
  readonly binMl: number;
  /** How many volumes lie in each bin, by its number from 0; those without any are left out. */
  readonly bins: readonly Readonly<z.output<typeof cohortBin>>[];
  /** Of more than that, ones that are picked evenly. */
  readonly points: readonly CohortPoint[];
}

const BIN_ML = 5;
/** More dots than this are no clearer. */
const MOST_POINTS = 4_000;

export async function cohortPoints(
  sql: Sql,
  filter: CohortFilter,
  { correctedCounts, modelsInUse }: CohortCounting,
): Promise<CohortPoints> {
  const { sql: where, parameters } = conditions(filter);
  const all = [...parameters, [...(modelsInUse ?? [])]];
  const ml = measured(correctedCounts);
  const isCounted = counted(`$${all.length}`);
  const bins = await sql.query(
    `SELECT floor(ml / ${BIN_ML})::int AS bin, count(*)::int AS volumes
     FROM (SELECT ${ml} AS ml, ${isCounted} AS counted FROM ${FROM} WHERE ${where}) AS fitting
     WHERE counted GROUP BY 1 ORDER BY 1`,
    all,
  );
  // A hash of the id picks evenly, and the same ones each time.
  const points = await sql.query(
    `SELECT * FROM (
       SELECT volume.id, ${isCounted} AS counted, ${ml} AS ml, (${AGE})::float8 AS "ageYears",
         coalesce(facts.value->>'sliceThicknessMm', facts.value->>'sliceSpacingMm')::float8 AS "thicknessMm",
         coalesce(scanner, '') AS scanner, volume.study_instance_uid AS "studyInstanceUid",
         report->>'sopInstanceUid' AS report
       FROM ${FROM} WHERE ${where}) AS fitting
     WHERE counted ORDER BY hashint4(id), id LIMIT ${MOST_POINTS}`,
    all,
  );
  return { binMl: BIN_ML, bins: rowsOf(cohortBin, bins), points: rowsOf(cohortPoint, points) };
}

const choicesRow = z.object({ what: z.enum(['model', 'scanner']), value: z.string() });
/** What there is to choose from, in the alphabet's order. */
export interface CohortChoices {
  readonly models: readonly string[];
  readonly scanners: readonly string[];
}
const MOST_CHOICES = 200;

export async function cohortChoices(sql: Sql): Promise<CohortChoices> {
  const rows = rowsOf(
    choicesRow,
    await sql.query(
      `SELECT what, value FROM (
         (SELECT DISTINCT 'model' AS what, model_name AS value FROM pansegnet.volume LIMIT ${MOST_CHOICES})
         UNION ALL
         (SELECT DISTINCT 'scanner', scanner FROM pansegnet.study_header WHERE scanner <> ''
          LIMIT ${MOST_CHOICES})
       ) AS choices ORDER BY what, value`,
    ),
  );
  const of = (what: string) => rows.filter((row) => row.what === what).map(({ value }) => value);
  return { models: of('model'), scanners: of('scanner') };
}
