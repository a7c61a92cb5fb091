import { z } from 'zod';
import { isLoopback } from './http.ts';

/** An application entity title: PS3.5 table 6.2-1, VR AE. */
export const aeTitle = z.string().regex(/^(?=.*[^ ])[\x20-\x5b\x5d-\x7e]{1,16}$/, {
  error: 'must be an AE title: 1 to 16 characters of ASCII, no backslash',
});

const dimseSchema = z
  .strictObject({
    enabled: z.boolean(),
    host: z.string().min(1),
    port: z.int().min(0).max(65_535),
    aeTitle,
    callingAeTitles: z.array(aeTitle),
    maxAssociations: z.int().positive(),
    idleSeconds: z.number().positive(),
  })
  .refine(
    ({ enabled, host, callingAeTitles }) => !enabled || isLoopback(host) || callingAeTitles.length > 0,
    {
      path: ['callingAeTitles'],
      error: 'must name who may send, where intake.dimse.host is not a loopback address',
    },
  );

export const intakeSchema = z.strictObject({
  spoolFolder: z.string().min(1),
  maxInstanceMb: z.number().positive(),
  maxSpoolMb: z.number().positive(),
  minFreeDiskMb: z.number().nonnegative(),
  concurrentRequests: z.int().positive(),
  retryAfterSeconds: z.int().positive(),
  dimse: dimseSchema,
});
