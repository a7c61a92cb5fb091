import { z } from 'zod';

/** What people and programs that watch over the node set: probes, metrics, stopping. */
export const healthSchema = z.strictObject({ cacheSeconds: z.number().nonnegative() });
export const metricsSchema = z.strictObject({ enabled: z.boolean() });
export const shutdownSchema = z.strictObject({ graceSeconds: z.number().nonnegative() });
