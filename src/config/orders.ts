import { z } from 'zod';

const code = z.string().trim().min(1).max(16);

/** Orders from a worklist, and the node's own worklist; neither by default. */
export const ordersSchema = z.strictObject({
  worklist: z
    .strictObject({
      url: z
        .url({ protocol: /^https?$/ })
        .refine((url) => !/\/\/[^/]*@/.test(url), {
          error: 'must hold no user and password: there are keys for them',
        })
        .nullable(),
      user: z.string().nullable(),
      password: z.string().nullable(),
      token: z.string().nullable(),
      timeoutSeconds: z.number().positive(),
      ca: z.string().min(1).nullable(),
      clientCertificate: z.string().min(1).nullable(),
      clientKey: z.string().min(1).nullable(),
      proxy: z.url({ protocol: /^https?$/ }).nullable(),
    })
    .refine(({ clientCertificate, clientKey }) => (clientCertificate === null) === (clientKey === null), {
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
