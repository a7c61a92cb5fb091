import { z } from 'zod';

/** Keys of a section that says how another server is reached. */
export const serverAccess = {
  url: z.url({ protocol: /^https?$/ }).nullable(),
  user: z.string().nullable(),
  password: z.string().nullable(),
  token: z.string().nullable(),
  timeoutSeconds: z.number().positive(),
  ca: z.string().min(1).nullable(),
  clientCertificate: z.string().min(1).nullable(),
  clientKey: z.string().min(1).nullable(),
  proxy: z.url({ protocol: /^https?$/ }).nullable(),
} as const;

const access = z.strictObject(serverAccess);
/** The section, as far as it is about that server. */
export type ServerAccess = Readonly<z.infer<typeof access>>;

/** A client's certificate is of no use without its key. */
export const hasWholeCertificate = ({
  clientCertificate,
  clientKey,
}: Pick<ServerAccess, 'clientCertificate' | 'clientKey'>): boolean =>
  (clientCertificate === null) === (clientKey === null);
