import { z } from 'zod';
import { MODES } from '../../inference-mode.ts';

/** The forms of the answers about models: see answers.ts. */

const time = z.iso.datetime().describe('UTC');

export const modelsAnswer = z.object({
  models: z.array(
    z.object({
      class: z.string().describe('CT, T1W or T2W'),
      inUse: z.string().nullable().describe('name of the model; null: there is none'),
      configured: z.string().nullable().describe('what the configuration names'),
      candidate: z.string().nullable(),
      promotion: z
        .object({
          model: z.string(),
          version: z.string(),
          sha256: z.string(),
          former: z.string().nullable(),
          by: z.string(),
          because: z.string().nullable(),
          at: time,
          overruledAt: time.nullable().describe('when a start found another one in the configuration'),
          overruledBy: z.string().nullable(),
        })
        .nullable()
        .describe('the latest'),
    }),
  ),
});
/** Which model is used for a kind of images, and how it came to be. */
export type ModelUse = z.output<typeof modelsAnswer>['models'][number];

const model = z.object({
  name: z.string(),
  version: z.string(),
  sha256: z.string(),
  mode: z.enum(MODES),
});
const dice = z.object({
  n: z.int(),
  mean: z.number().nullable(),
  median: z.number().nullable(),
  lowest: z.number().nullable(),
});
const interval = z.object({ low: z.number(), high: z.number() });
const ofBoth = { both: z.int(), candidateOnly: z.int(), inUseOnly: z.int() };
const decision = z.enum(['accepted', 'rejected']);

export const candidatesAnswer = z.object({
  groups: z.array(
    z.object({
      class: z.string().describe('CT, T1W or T2W'),
      candidate: model,
      inUse: model,
      studies: z.int(),
      images: z.int(),
      dice,
      volumes: z
        .object({
          n: z.int(),
          bias: z.number(),
          biasInterval: interval,
          sd: z.number(),
          lowerLimit: z.number(),
          lowerLimitInterval: interval,
          upperLimit: z.number(),
          upperLimitInterval: interval,
        })
        .nullable()
        .describe('candidate less model in use, ml (Bland and Altman), where both found something'),
      nothingFound: z.object(ofBoth),
      flags: z.array(z.object({ flag: z.string(), ...ofBoth })),
      verdicts: z.array(
        z.object({
          decision: z.enum([...decision.options, 'none']),
          dice,
          medianDifferenceMl: z.number().nullable(),
        }),
      ),
      corrections: z.object({
        n: z.int(),
        candidateDice: z.number().nullable(),
        inUseDice: z.number().nullable(),
        candidateNearer: z.int(),
        inUseNearer: z.int(),
      }),
      cases: z
        .array(
          z.object({
            studyInstanceUid: z.string(),
            studyDate: z.string().describe('DA, or empty'),
            seriesInstanceUid: z.string(),
            part: z.string(),
            report: z.string().describe('SOP Instance UID of the report of the result in use'),
            inUseMl: z.number(),
            candidateMl: z.number(),
            differenceMl: z.number(),
            dice: z.number(),
            inUseFlags: z.array(z.string()),
            candidateFlags: z.array(z.string()),
            decision: decision.nullable(),
            corrected: z
              .object({ volumeMl: z.number(), candidateDice: z.number(), inUseDice: z.number() })
              .nullable(),
          }),
        )
        .describe('worst first'),
    }),
  ),
  open: z.array(
    z.object({
      class: z.string(),
      candidate: z.string(),
      waiting: z.int(),
      failed: z.int(),
      reason: z.string().optional().describe('of the last failure'),
    }),
  ),
});
