import { z } from 'zod';

export const logSchema = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  file: z.string().min(1).nullable(),
  identifiers: z.enum(['hashed', 'plain']),
  key: z.string().min(16, 'must have at least 16 characters').nullable(),
});

export const auditSchema = z.strictObject({
  folder: z.string().min(1).nullable(),
  sourceId: z.string().min(1),
  enterpriseSiteId: z.string().min(1).nullable(),
  patients: z.enum(['key', 'none']),
  maxMegabytes: z.number().positive(),
  keepDays: z.int().positive().nullable(),
});
