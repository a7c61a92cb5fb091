import { z } from 'zod';
import type { predictStudies } from '../../src/pipeline/selection/metadata-file.ts';

const element = z.looseObject({ vr: z.string(), Value: z.array(z.unknown()).optional() });
export type Element = z.infer<typeof element>;
const uid = z.string().nullable();
export const labelledSet = z.array(
  z.looseObject({
    id: z.string(),
    series: z.array(
      z.looseObject({
        uid: z.string(),
        metadata: z.record(z.string(), element),
        expected: z.looseObject({ class: z.string(), alternatives: z.array(z.string()).optional() }),
      }),
    ),
    expected_selection: z.record(z.string(), uid),
    acceptable_selection: z.record(z.string(), z.array(uid)),
  }),
);
type LabelledSet = z.infer<typeof labelledSet>;

/** As the set's score.py counts, leniently. */
export interface Score {
  classes: number;
  /** Where the study has series of the modality. */
  selections: number;
  /** Series chosen for a class that they are not of. */
  harmful: string[];
}

const MODALITY: Readonly<Record<string, string>> = { CT_ABDOMEN: 'CT', T1W: 'MR', T2W: 'MR' };

export function score(studies: LabelledSet, predictions: ReturnType<typeof predictStudies>): Score {
  const result: Score = { classes: 0, selections: 0, harmful: [] };
  for (const { id, series, expected_selection, acceptable_selection } of studies) {
    const classes: Record<string, string> = predictions[id]?.classes ?? {};
    const selection: Record<string, string | null> = { ...predictions[id]?.selection };
    const allowed = new Map(
      series.map((one) => [one.uid, [one.expected.class, ...(one.expected.alternatives ?? [])]]),
    );
    for (const one of series)
      result.classes += allowed.get(one.uid)?.includes(classes[one.uid] ?? '') ? 1 : 0;
    for (const [name, best] of Object.entries(expected_selection)) {
      const taken = selection[name] ?? null;
      const present = series.some((one) => one.metadata['00080060']?.Value?.[0] === MODALITY[name]);
      if (present && (taken === best || acceptable_selection[name]?.includes(taken))) result.selections++;
      if (taken !== null && !allowed.get(taken)?.includes(name)) result.harmful.push(`${id} ${name}`);
    }
  }
  return result;
}
