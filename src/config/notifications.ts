import { z } from 'zod';

const NOTIFIED_EVENTS = ['failed', 'finished', 'change'] as const;

/** Whom the node tells what happened; nobody by default. */
export const notificationsSchema = z.strictObject({
  events: z.array(z.enum(NOTIFIED_EVENTS)),
  changePercent: z.number().positive(),
  nothingArrivedHours: z.number().positive().nullable(),
  patientData: z.boolean(),
  pagesUrl: z.url({ protocol: /^https?$/ }).nullable(),
  webhook: z
    .strictObject({ url: z.url({ protocol: /^https?$/ }).nullable(), secret: z.string().min(16).nullable() })
    .refine(({ url, secret }) => url === null || secret !== null, {
      path: ['secret'],
      error: 'is needed to sign what is sent',
    }),
  email: z
    .strictObject({
      smtp: z.url({ protocol: /^smtps?$/ }).nullable(),
      from: z.string().min(3).nullable(),
      to: z.array(z.string().min(3)),
    })
    .refine(({ smtp, from, to }) => smtp === null || (from !== null && to.length > 0), {
      error: 'needs from and to',
    }),
});
