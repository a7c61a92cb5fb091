import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const numbers = z.array(z.number());
const named = z.record(z.string(), z.unknown());

const schema = z.object({
  maskPairs: z.array(
    z.object({
      shape: z.tuple([z.number(), z.number(), z.number()]),
      spacing: z.tuple([z.number(), z.number(), z.number()]),
      prediction: z.string(),
      label: z.string(),
      expected: named,
    }),
  ),
  samples: z.array(
    z.object({
      x: numbers,
      y: numbers,
      describe: named,
      correlation: named,
      blandAltman: named,
      paired: named,
      wilcoxon: named,
    }),
  ),
  iccs: z.array(z.object({ ratings: z.array(numbers), expected: named })),
  repeats: z.array(z.object({ subjects: z.array(numbers), expected: named })),
  distributions: z.object({
    t: z.array(z.tuple([z.number(), z.number(), z.number()])),
    f: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
    chiSquared: z.array(z.tuple([z.number(), z.number(), z.number()])),
    normal: z.array(z.tuple([z.number(), z.number()])),
  }),
});

/** What SciPy and scikit-learn found, see make_fixtures.py there. */
export const EVALUATION_FIXTURES = schema.parse(
  JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../fixtures/evaluation/fixtures.json'), 'utf8')),
);

/** Where `found` lacks what is expected, numbers to a relative (below 1: absolute) tolerance. */
export function differences(found: unknown, expected: unknown, tolerance: number, place = ''): string[] {
  if (expected !== null && typeof expected === 'object') {
    const inside = z.record(z.string(), z.unknown()).safeParse(found).data ?? {};
    return Object.entries(expected).flatMap(([name, value]) =>
      differences(inside[name], value, tolerance, `${place}.${name}`),
    );
  }
  const isNear =
    typeof expected === 'number' && typeof found === 'number'
      ? Math.abs(found - expected) <= tolerance * Math.max(1, Math.abs(expected))
      : found === expected;
  return isNear ? [] : [`${place}: ${String(found)} instead of ${String(expected)}`];
}
