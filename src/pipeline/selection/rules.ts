import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf } from '../../coded-error.ts';
import { FACT_NAMES } from './facts.ts';
import { SelectionError } from './selection-error.ts';
import { vocabularySchema, withDefaults } from './vocabulary.ts';
import type { Vocabulary } from './words.ts';

/** What a series can be to the node. NONE: it is not segmented. */
const SERIES_CLASSES = ['CT_ABDOMEN', 'T1W', 'T2W', 'NONE'] as const;
export type SeriesClass = (typeof SERIES_CLASSES)[number];
export const SEGMENTED_CLASSES = ['CT_ABDOMEN', 'T1W', 'T2W'] as const;
export type SegmentedClass = (typeof SEGMENTED_CLASSES)[number];

/** Phases of contrast enhancement, by the names that the vocabulary has for them. */
export const PHASES = ['unenhanced', 'arterial', 'portal', 'delayed', 'hepatobiliary'] as const;
export type Phase = (typeof PHASES)[number];

const regularExpression = z.string().refine(compiles, { error: 'is not a regular expression' });

/**
 * A test of one fact. All of its parts must hold. A fact that is not known fulfils no part but
 * `known: false`. Where a fact has several values (ImageType, `says`), `is` and `oneOf` ask whether any of
 * them fits, `matches` and `lacks` look at all of them, joined by backslashes.
 */
const testSchema = z
  .strictObject({
    known: z.boolean(),
    is: z.union([z.string(), z.number()]),
    oneOf: z.array(z.string()).nonempty(),
    noneOf: z.array(z.string()).nonempty(),
    matches: regularExpression,
    lacks: regularExpression,
    atLeast: z.number(),
    atMost: z.number(),
  })
  .partial()
  .refine((test) => Object.keys(test).length > 0, { error: 'an empty test' });
export type FactTest = z.infer<typeof testSchema>;

const testsSchema = z.partialRecord(z.enum(FACT_NAMES), testSchema);
export type Tests = z.infer<typeof testsSchema>;
/** Tests that must all hold, or several such groups of which one must. */
const whenSchema = z.union([testsSchema, z.array(testsSchema).nonempty()]);
export type When = z.infer<typeof whenSchema>;

/**
 * How sure the headers make it that a series is of its class. possible: the physics fit and nothing
 * contradicts, but nothing says abdomen either; the pixels have to tell.
 */
export const CERTAINTIES = ['yes', 'possible', 'no'] as const;
export type Certainty = (typeof CERTAINTIES)[number];

/**
 * A rule with a class decides it, unless an earlier one has. One with `certainty: possible` alone decides
 * nothing: it leaves a doubt, and the class that a later rule gives is only possible.
 */
const ruleSchema = z
  .strictObject({
    when: whenSchema,
    class: z.enum(SERIES_CLASSES).optional(),
    certainty: z.literal('possible').optional(),
    reason: z.string().min(1),
  })
  .refine((rule) => rule.class !== undefined || rule.certainty !== undefined, {
    error: 'a rule needs a class, or certainty: possible',
  })
  .refine((rule) => rule.class !== 'NONE' || rule.certainty === undefined, {
    error: 'class NONE is never only possible',
  });
export type Rule = z.infer<typeof ruleSchema>;
export const rulesSchema = z.array(ruleSchema);

const preferenceSchema = z.union([
  z.strictObject({ when: whenSchema, reason: z.string().min(1) }),
  z.strictObject({ lowest: z.enum(FACT_NAMES), reason: z.string().min(1) }),
  z.strictObject({ highest: z.enum(FACT_NAMES), reason: z.string().min(1) }),
  z.strictObject({
    inOrder: z.enum(FACT_NAMES),
    values: z.array(z.string()).nonempty(),
    reason: z.string().min(1),
  }),
]);
export type Preference = z.infer<typeof preferenceSchema>;

/** For tables of rules that were copied before there was one. */
const DEFAULT_LATE_GAP_S = 90;

/** Seconds by which the phase of a series follows from its time. */
const phaseTimesSchema = z.strictObject({
  /** A contrast agent that enhances no organ: none at all, or one that was drunk. */
  notEnhancing: regularExpression,
  maskGap: z.number().positive(),
  arterialSpan: z.number().nonnegative(),
  lateGap: z.number().positive().default(DEFAULT_LATE_GAP_S),
  portalFrom: z.number().positive(),
  delayedFrom: z.number().positive(),
  hepatobiliaryFrom: z.number().positive(),
});
export type PhaseTimes = z.infer<typeof phaseTimesSchema>;

const selectionSchema = z.strictObject({
  vocabulary: vocabularySchema.optional(),
  rules: rulesSchema,
  phases: phaseTimesSchema,
  preferences: z.strictObject({
    CT_ABDOMEN: z.array(preferenceSchema),
    T1W: z.array(preferenceSchema),
    T2W: z.array(preferenceSchema),
  }),
});
export type SelectionRules = Omit<z.infer<typeof selectionSchema>, 'vocabulary'> & {
  readonly vocabulary: Vocabulary;
};

/** The rules that come with the program. */
const DEFAULT_FILE = path.resolve(import.meta.dirname, '../../../config/selection.yaml');

/**
 * Reads a file of selection rules and puts the site's own rules before its rules. A file that holds a list of
 * rules alone puts these before those that come with the program.
 * @param siteFile null: the rules that come with the program
 * @throws SelectionError SELECTION_RULES naming the file and the place in it
 */
export function readSelectionRules(siteFile: string | null, siteRules: readonly Rule[]): SelectionRules {
  const file = siteFile ?? DEFAULT_FILE;
  const content = readYaml(file);
  if (Array.isArray(content)) {
    return readSelectionRules(null, [...siteRules, ...checked(rulesSchema, content, file)]);
  }
  const { vocabulary, ...table } = checked(selectionSchema, content, file);
  const rules = { ...table, vocabulary: withDefaults(vocabulary), rules: [...siteRules, ...table.rules] };
  refuseUnknownConcepts(rules, file);
  return rules;
}

function checked<T>(schema: z.ZodType<T>, content: unknown, file: string): T {
  const result = schema.safeParse(content);
  if (result.success) return result.data;
  throw new SelectionError('SELECTION_RULES', `${file}: ${z.prettifyError(result.error)}`);
}

/** A test for a concept that the vocabulary lacks would silently never hold. */
function refuseUnknownConcepts({ vocabulary, rules, preferences }: SelectionRules, file: string): void {
  const asked = [...rules, ...Object.values(preferences).flat()].flatMap((one) =>
    'when' in one ? groupsOf(one.when).flatMap(conceptsAsked) : [],
  );
  const unknown = new Set([...asked, ...PHASES].filter((concept) => !(concept in vocabulary)));
  if (unknown.size === 0) return;
  throw new SelectionError(
    'SELECTION_RULES',
    `${file}: the vocabulary does not have ${[...unknown].join(', ')}`,
  );
}

export const groupsOf = (when: When): readonly Tests[] => (Array.isArray(when) ? when : [when]);

const SPOKEN = ['says', 'protocolSays', 'studySays', 'siblingsSay'] as const;

function conceptsAsked(tests: Tests): string[] {
  return SPOKEN.flatMap((name) => {
    const { is, oneOf, noneOf } = tests[name] ?? {};
    return [...(is === undefined ? [] : [String(is)]), ...(oneOf ?? []), ...(noneOf ?? [])];
  });
}

function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'), { merge: true });
  } catch (cause) {
    throw new SelectionError(
      'SELECTION_RULES',
      `${file}: cannot be read as selection rules: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}

function compiles(pattern: string): boolean {
  try {
    return Boolean(new RegExp(pattern, 'iu'));
  } catch {
    return false;
  }
}
