import type { ServerAccess } from '../config/server-access.ts';
import { Connections } from '../http-client/connections.ts';
import { readPemIfNamed } from './pem.ts';

/** Certificates and proxy towards a server, of the section of the configuration that has this name. */
export function connectionsTo(
  section: string,
  { ca, clientCertificate, clientKey, proxy }: ServerAccess,
): Connections {
  return new Connections({
    ca: readPemIfNamed(`${section}.ca`, ca),
    clientCertificate: readPemIfNamed(`${section}.clientCertificate`, clientCertificate),
    clientKey: readPemIfNamed(`${section}.clientKey`, clientKey),
    proxy: proxy ?? undefined,
  });
}

/** The header that tells who asks: by token, else by user and password; nothing where neither is there. */
export function authorizationBy({
  user,
  password,
  token,
}: Pick<ServerAccess, 'user' | 'password' | 'token'>): Readonly<Record<string, string>> {
  if (token !== null) return { Authorization: `Bearer ${token}` };
  if (user === null) return {};
  return { Authorization: `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}` };
}
