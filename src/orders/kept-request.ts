import { z } from 'zod';
import type { PerformedOrder } from '../store/orders/performed-orders.ts';
import { DISCONTINUATION, type Discontinuation } from './reasons.ts';

const REASONS = Object.keys(DISCONTINUATION) as [Discontinuation, ...Discontinuation[]];

const refusalSchema = z.object({ reason: z.enum(REASONS), words: z.string() });

const requestSchema = z.object({
  /** What kind of work it is, as it was scheduled. */
  workitem: z.object({ value: z.string(), scheme: z.string(), meaning: z.string() }),
  asked: z.union([
    refusalSchema,
    z.object({
      studyInstanceUid: z.string(),
      series: z
        .array(z.object({ seriesInstanceUid: z.string(), instances: z.array(z.string()).readonly() }))
        .readonly(),
    }),
  ]),
});
/** What is kept of an order beside its Transaction UID: all that a restart needs. */
export type KeptRequest = Readonly<z.output<typeof requestSchema>>;

export const keptRequest = ({ request }: PerformedOrder): KeptRequest => requestSchema.parse(request);

/** How an order is to end: with results, or with the reason that there are none. */
export const endingSchema = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('COMPLETED'),
    at: z.string(),
    output: z.object({
      studyInstanceUid: z.string(),
      series: z
        .array(
          z.object({
            seriesInstanceUid: z.string(),
            instances: z.array(z.object({ sopClassUid: z.string(), sopInstanceUid: z.string() })).readonly(),
          }),
        )
        .readonly(),
    }),
  }),
  refusalSchema.extend({ state: z.literal('CANCELED'), at: z.string() }),
]);
export type Ending = Readonly<z.input<typeof endingSchema>>;
