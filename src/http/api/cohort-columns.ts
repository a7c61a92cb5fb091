import { z } from 'zod';
import type { CohortRow } from '../../store/records/cohort.ts';
import { csvLine } from '../../store/records/volumes-csv.ts';

/** How exports name patients beside the opaque key: not at all, or by PatientID with its issuer. */
export type PatientNaming = 'key' | 'id';

type Value = string | number | boolean | readonly string[] | null | undefined;

interface Column {
  readonly form: z.ZodType;
  readonly value: (row: CohortRow) => Value;
  /** Where CSV says it otherwise. */
  readonly csv?: (row: CohortRow) => string;
}

const text = z.string();
const number = z.number();
const textOf = (value: (row: CohortRow) => string | null | undefined): Column => ({ form: text, value });
const numberOf = (value: (row: CohortRow) => number | null | undefined): Column => ({ form: number, value });

/**
 * What is told of each volume of the cohort, under the names that `history --csv` has for it. A column that
 * was released keeps its name and its meaning.
 */
const COLUMNS = {
  patient: textOf(({ patientKey }) => patientKey),
  patientId: textOf(({ patientId }) => patientId),
  issuer: textOf(({ issuer }) => issuer),
  person: numberOf(({ compared }) => compared?.person),
  notCompared: textOf(({ compared }) => compared?.notCompared),
  ageYears: numberOf(({ ageYears }) => ageYears),
  sex: textOf(({ sex }) => sex),
  weightKg: numberOf(({ weightKg }) => weightKg),
  heightM: numberOf(({ sizeM }) => sizeM),
  studyDate: textOf(({ studyDate }) => studyDate),
  studyTime: textOf(({ studyTime }) => studyTime),
  study: textOf(({ studyInstanceUid }) => studyInstanceUid),
  scanner: textOf(({ scanner }) => scanner),
  series: textOf(({ seriesInstanceUid }) => seriesInstanceUid),
  part: textOf(({ part }) => part),
  class: textOf((row) => row.class),
  phase: textOf(({ facts }) => facts?.phase),
  sliceThicknessMm: numberOf(({ facts }) => facts?.sliceThicknessMm),
  sliceSpacingMm: numberOf(({ facts }) => facts?.sliceSpacingMm),
  volumeMl: numberOf(({ volumeMl }) => volumeMl),
  lowMl: numberOf(({ intervalMl }) => intervalMl?.low),
  highMl: numberOf(({ intervalMl }) => intervalMl?.high),
  voxels: numberOf(({ voxelCount }) => voxelCount),
  meanHu: numberOf(({ facts }) => facts?.meanHu),
  sdHu: numberOf(({ facts }) => facts?.sdHu),
  flags: { form: z.array(text), value: ({ flags }) => flags },
  correctedMl: numberOf(({ correctedMl }) => correctedMl),
  withdrawn: textOf(({ withdrawn }) => withdrawn),
  review: textOf(({ review }) => review),
  reviewReason: textOf(({ reviewReason }) => reviewReason),
  model: textOf(({ modelName }) => modelName),
  modelVersion: textOf(({ modelVersion }) => modelVersion),
  modelSha256: textOf(({ modelSha256 }) => modelSha256),
  mode: textOf(({ mode }) => mode),
  software: textOf(({ facts }) => facts?.softwareVersion),
  report: textOf(({ report, historyAlone }) => (historyAlone ? null : report)),
  supersedes: textOf(({ supersedes }) => supersedes),
  measuredAt: textOf(({ contentDateTime }) => contentDateTime.toISOString()),
  historyOnly: { form: z.boolean(), value: ({ historyAlone }) => historyAlone },
  // Whether figures and charts of the same filter count it.
  counted: {
    form: z.boolean(),
    value: ({ counted }) => counted,
    csv: ({ counted }) => (counted ? 'yes' : 'no'),
  },
} satisfies Record<string, Column>;

export type CohortColumn = keyof typeof COLUMNS;
export const COHORT_COLUMNS = Object.keys(COLUMNS).filter((name): name is CohortColumn => name in COLUMNS);

/** Those that name the patient as others do. */
const NAMING: ReadonlySet<CohortColumn> = new Set(['patientId', 'issuer']);

/** The columns that there are, in their order. */
export const columnsFor = (naming: PatientNaming): CohortColumn[] =>
  COHORT_COLUMNS.filter((name) => naming === 'id' || !NAMING.has(name));

/** A volume as JSON has it; of the columns that were asked for, all are there. */
export const cohortVolume = z.object(
  Object.fromEntries(COHORT_COLUMNS.map((name) => [name, COLUMNS[name].form.nullable().optional()])),
);

export const cohortValue = (row: CohortRow, column: CohortColumn): Value => COLUMNS[column].value(row);

export const cohortJson = (row: CohortRow, columns: readonly CohortColumn[]): string =>
  JSON.stringify(Object.fromEntries(columns.map((name) => [name, cohortValue(row, name) ?? null])));

/** Numbers have a point; lists are joined by a space. */
export const cohortCsv = (row: CohortRow, columns: readonly CohortColumn[]): string =>
  csvLine(
    columns.map((name) => {
      const { csv, value }: Column = COLUMNS[name];
      return csv?.(row) ?? csvValue(value(row));
    }),
  );

function csvValue(value: Value): string | number | undefined {
  if (typeof value === 'boolean') return value ? 'yes' : undefined;
  if (typeof value === 'object') return value?.join(' ');
  return value;
}
