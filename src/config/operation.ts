import { z } from 'zod';

/** What people and programs that watch over the node set: probes, metrics, stopping. */
export const healthSchema = z.strictObject({ cacheSeconds: z.number().nonnegative() });
export const metricsSchema = z.strictObject({ enabled: z.boolean() });
/** Which installation this is, in what it writes. */
export const siteSchema = z.strictObject({
  institution: z.string().min(1).max(64).nullable(),
  stationName: z.string().min(1).max(16).nullable(),
  deviceSerialNumber: z.string().min(1).max(64).nullable(),
  trackingSecret: z.string().min(16).nullable(),
});
export const shutdownSchema = z.strictObject({ graceSeconds: z.number().nonnegative() });

/** How long is kept what only grows, and decides nothing. */
export const retentionSchema = z.strictObject({
  finishedJobDays: z.int().min(1),
  announcementDays: z.int().min(1),
});
