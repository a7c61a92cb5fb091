import { z } from 'zod';

/**
 * Checked here, so that a typing error in it is found before anything starts; the message never shows the
 * value.
 */
const serverUrl = z.url({
  protocol: /^postgres(ql)?$/,
  error: 'must be a URL such as postgresql://user:password@host:5432/database',
});

export const databaseSchema = z.strictObject({
  folder: z.string().min(1),
  url: serverUrl.nullable(),
  connections: z.int().min(2),
});
