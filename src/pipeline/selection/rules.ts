import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { FACT_NAMES } from './facts.ts';

/** What a series can be to the node. NONE: it is not segmented. */
const SERIES_CLASSES = ['CT_ABDOMEN', 'T1W', 'T2W', 'NONE'] as const;
export type SeriesClass = (typeof SERIES_CLASSES)[number];
export const SEGMENTED_CLASSES = ['CT_ABDOMEN', 'T1W', 'T2W'] as const;
export type SegmentedClass = (typeof SEGMENTED_CLASSES)[number];

const regularExpression = z.string().refine(compiles, { error: 'is not a regular expression' });

/** A test of one fact. All of its parts must hold. A fact that is not known fulfils no part but `known: false`. */
const testSchema = z
  .strictObject({
    known: z.boolean(),
    is: z.union([z.string(), z.number()]),
    oneOf: z.array(z.string()).nonempty(),
    matches: regularExpression,
    lacks: regularExpression,
    atLeast: z.number(),
    atMost: z.number(),
  })
  .partial()
  .refine((test) => Object.keys(test).length > 0, { error: 'an empty test' });
export type FactTest = z.infer<typeof testSchema>;

const whenSchema = z.partialRecord(z.enum(FACT_NAMES), testSchema);
export type When = z.infer<typeof whenSchema>;

const ruleSchema = z.strictObject({
  when: whenSchema,
  class: z.enum(SERIES_CLASSES),
  reason: z.string().min(1),
});
export type Rule = z.infer<typeof ruleSchema>;
export const rulesSchema = z.array(ruleSchema);

const preferenceSchema = z.union([
  z.strictObject({ when: whenSchema, reason: z.string().min(1) }),
  z.strictObject({ lowest: z.enum(FACT_NAMES), reason: z.string().min(1) }),
  z.strictObject({ highest: z.enum(FACT_NAMES), reason: z.string().min(1) }),
]);
export type Preference = z.infer<typeof preferenceSchema>;

const selectionSchema = z.strictObject({
  rules: rulesSchema,
  preferences: z.strictObject({
    CT_ABDOMEN: z.array(preferenceSchema),
    T1W: z.array(preferenceSchema),
    T2W: z.array(preferenceSchema),
  }),
});
export type SelectionRules = z.infer<typeof selectionSchema>;

/** The rules file could not be read or is not in its form. */
class SelectionRulesError extends Error {
  override readonly name = 'SelectionRulesError';
  readonly code = 'SELECTION_RULES';
}

/** The rules that come with the program. */
const DEFAULT_FILE = path.resolve(import.meta.dirname, '../../../config/selection.yaml');

/**
 * Reads a file of selection rules and puts the site's own rules before its rules.
 * @param siteFile null: the rules that come with the program
 * @throws SelectionRulesError naming the file and the place in it
 */
export function readSelectionRules(siteFile: string | null, siteRules: readonly Rule[]): SelectionRules {
  const file = siteFile ?? DEFAULT_FILE;
  const result = selectionSchema.safeParse(readYaml(file));
  if (!result.success) throw new SelectionRulesError(`${file}: ${z.prettifyError(result.error)}`);
  return { ...result.data, rules: [...siteRules, ...result.data.rules] };
}

function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SelectionRulesError(`${file}: cannot be read as selection rules: ${reason}`, { cause });
  }
}

function compiles(pattern: string): boolean {
  try {
    return Boolean(new RegExp(pattern, 'iu'));
  } catch {
    return false;
  }
}
