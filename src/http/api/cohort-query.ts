import { z } from 'zod';
import { PHASES } from '../../pipeline/selection/rules.ts';
import { QUALITY_FLAGS } from '../../results/quality-flags.ts';
import type { CohortFilter } from '../../store/records/cohort.ts';
import { COHORT_COLUMNS, type CohortColumn, columnsFor, type PatientNaming } from './cohort-columns.ts';
import { dayField } from './study-filter.ts';

/** Forms send empty fields, which mean: whatever. */
const NONE = '';
export const COHORT_FLAGS = ['none', ...QUALITY_FLAGS] as const;
export const COHORT_REVIEWS = ['accepted', 'rejected', 'none', 'corrected', 'withdrawn'] as const;
export const COHORT_SEXES = ['F', 'M', 'O'] as const;
export const COHORT_PHASES = PHASES;

const words = z
  .string()
  .trim()
  .max(200)
  .refine((value) => !value.includes('\0'), { error: 'holds a NUL' })
  .optional();
const age = z
  .union([z.literal(NONE), z.coerce.number().int().min(0).max(150)])
  .optional()
  .describe('in full years at the study, included');
const column = z.enum(COHORT_COLUMNS);
const month = z
  .string()
  .regex(/^(\d{4}-(0[1-9]|1[0-2]))?$/, { error: 'is not a month such as 2026-03' })
  .optional();

export const cohortQuery = z.object({
  from: dayField.describe('StudyDate, included'),
  to: dayField.describe('StudyDate, included'),
  scanner: words.describe("part of the manufacturer's or the scanner's name"),
  model: words.describe('name'),
  class: z.enum([NONE, 'CT', 'T1W', 'T2W']).optional(),
  phase: z.enum([NONE, ...COHORT_PHASES]).optional(),
  flag: z
    .enum([NONE, ...COHORT_FLAGS])
    .optional()
    .describe('none: without any'),
  review: z
    .enum([NONE, ...COHORT_REVIEWS])
    .optional()
    .describe('none: not reviewed'),
  ageFrom: age,
  ageTo: age,
  sex: z.enum([NONE, ...COHORT_SEXES]).optional(),
  month: month.describe('in which the result was made'),
  columns: z
    .union([column, z.array(column)])
    .optional()
    .describe('repeat it for each; left out: all'),
});
export type CohortQuery = z.infer<typeof cohortQuery>;

export function cohortFilter(query: CohortQuery): CohortFilter {
  const { from, to, scanner, model, phase, flag, review, ageFrom, ageTo, sex } = query;
  const [year, number = 1] = (query.month ?? '').split('-').map(Number);
  return {
    from,
    to,
    scanner,
    model,
    class: query.class,
    phase,
    flag,
    review,
    ageFrom: ageFrom === NONE ? undefined : ageFrom,
    ageTo: ageTo === NONE ? undefined : ageTo,
    sex,
    // Months of the node's own time zone, as on the page of quality.
    ...(year ? { madeFrom: new Date(year, number - 1, 1), madeUntil: new Date(year, number, 1) } : {}),
  };
}

/** The columns that are asked for, of those that there are, in their order. */
export function chosenColumns({ columns }: CohortQuery, naming: PatientNaming): CohortColumn[] {
  const known = columnsFor(naming);
  if (columns === undefined) return known;
  const asked = new Set([columns].flat());
  return known.filter((name) => asked.has(name));
}
