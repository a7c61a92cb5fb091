import { z } from 'zod';
import { SOURCE_KINDS } from '../../store/arrivals/announcements.ts';
import { hoursSchema, isAlways } from './hours.ts';

const names = z.array(z.string().min(1)).min(1).optional();

/** All that are given have to be met; of a list, one has to be. What is not known of a study is never met. */
const conditionsSchema = z.strictObject({
  /** How the study became known. */
  source: z.array(z.enum(SOURCE_KINDS)).min(1).optional(),
  callingAeTitle: names,
  /** Of a series that the node did not write. */
  modality: names,
  /** In full years on the day of the study, both included. */
  minimumAgeYears: z.int().nonnegative().optional(),
  maximumAgeYears: z.int().nonnegative().optional(),
  /** StationName and InstitutionName of an image. */
  stationName: names,
  institution: names,
  hours: hoursSchema.optional(),
});

const ruleSchema = z
  .strictObject({
    /** For people: it goes into the reason that a study shows. */
    name: z.string().min(1).optional(),
    when: conditionsSchema,
    /** `later`: when the hours of the rule are over. */
    action: z.enum(['process', 'ignore', 'later']),
  })
  .refine(({ action, when }) => action !== 'later' || when.hours, {
    path: ['when', 'hours'],
    error: 'are needed where action is later: the study waits until they are over',
  })
  .refine(({ action, when }) => action !== 'later' || !when.hours || !isAlways(when.hours), {
    path: ['when', 'hours'],
    error: 'never end: the study would wait for ever',
  });
export type RoutingRule = z.infer<typeof ruleSchema>;

/** The first rule whose conditions are met decides; a study that meets none is processed. */
export const routingSchema = z.strictObject({ rules: z.array(ruleSchema) });
