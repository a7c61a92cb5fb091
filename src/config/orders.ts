import { z } from 'zod';
import { hasWholeCertificate, serverAccess } from './server-access.ts';

const code = z.string().trim().min(1).max(16);

/** Orders from a worklist, and the node's own worklist; neither by default. */
export const ordersSchema = z.strictObject({
  worklist: z
    .strictObject({
      ...serverAccess,
      url: serverAccess.url.refine((url) => url === null || !/\/\/[^/]*@/.test(url), {
        error: 'must hold no user and password: there are keys for them',
      }),
    })
    .refine(hasWholeCertificate, {
      path: ['clientCertificate'],
      error: 'goes together with orders.worklist.clientKey: name both, or neither',
    }),
  accept: z.boolean(),
  pollSeconds: z.number().positive(),
  station: z.strictObject({ value: code, scheme: code, meaning: z.string().trim().min(1).max(64) }),
  aeTitle: z.string().regex(/^(?! *$)[\x20-\x5b\x5d-\x7e]{1,16}$/, { error: 'must be an AE title' }),
  workitemCodes: z.array(z.string().min(1)).min(1),
  retrieveHosts: z.array(z.string().regex(/^[^\s/@]+$/, { error: 'must be a host name, with its port' })),
  openOrders: z.int().positive(),
  inputMinutes: z.number().nonnegative(),
});
