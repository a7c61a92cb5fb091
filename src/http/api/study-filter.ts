import { z } from 'zod';
import { PLACE, type StudyFilter } from '../../store/records/listed-studies.ts';
import { STUDY_STATES } from '../../store/records/study-log.ts';

const MAX_PAGE = 500;
/** Offsets beyond what any list holds. */
const MAX_OFFSET = 10_000_000;

/** A day, as a form's date field sends it or as DICOM has it; empty: none. */
export const dayField = z
  .string()
  .regex(/^(\d{4}-\d\d-\d\d|\d{8})?$/, { error: 'is not a day such as 2026-03-01' })
  .transform((value) => value.replaceAll('-', '') || undefined)
  .optional();

/** Forms send empty fields, which mean: whatever. */
const NONE = '';

export const studyQuery = z.object({
  state: z.enum([NONE, ...STUDY_STATES]).optional(),
  from: dayField.describe('StudyDate, included'),
  to: dayField.describe('StudyDate, included'),
  class: z.enum([NONE, 'CT', 'T1W', 'T2W']).optional(),
  words: z.string().max(200).optional().describe('in name, id, description, scanner or UID'),
  when: z.enum([NONE, 'today', 'all']).optional().describe('today: whose state changed today'),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100),
  offset: z.coerce.number().int().min(0).max(MAX_OFFSET).default(0),
  after: z
    .union([z.literal(NONE), z.string().regex(PLACE, { error: 'is not what `next` of a page said' })])
    .optional()
    .describe('`next` of the page before, instead of an offset: as soon there, however far it is'),
});
export type StudyQuery = z.infer<typeof studyQuery>;

export function filterOf(query: StudyQuery, now: Date): StudyFilter {
  const { state, from, to, words, when } = query;
  return {
    state: STUDY_STATES.find((one) => one === state),
    from,
    to,
    class: query.class || undefined,
    words,
    // The day of the node's own time zone.
    changedSince: when === 'today' ? new Date(now.getFullYear(), now.getMonth(), now.getDate()) : undefined,
  };
}

/** What was looked for, for the audit log. */
export function searchedIn(
  query: Readonly<Record<string, string | number | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(query).flatMap(([name, value]): [string, string][] =>
      value === undefined || value === '' ? [] : [[name, String(value)]],
    ),
  );
}
