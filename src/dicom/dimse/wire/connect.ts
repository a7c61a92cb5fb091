import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { codeOf, messageOf } from '../../../coded-error.ts';
import { ConnectionLost } from './wire.ts';

/** Certificates for DICOM over TLS (PS3.15 annex B), as PEM. */
export interface TlsFiles {
  /** Of the authority that signed the other side's; undefined: the public ones. */
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

export interface Address {
  readonly host: string;
  readonly port: number;
  /** Undefined: without TLS. */
  readonly tls?: TlsFiles | undefined;
}

/** What an administrator most likely has to do about an error of TLS, by Node's code for it. */
const TLS_ADVICE: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'set archive.ca to the certificate of the authority that signed it',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'set archive.ca to the certificate of the authority that signed it',
  SELF_SIGNED_CERT_IN_CHAIN: 'set archive.ca to the certificate of the authority that signed it',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'set archive.ca to that certificate itself',
  ERR_TLS_CERT_ALTNAME_INVALID: 'archive.dimse.host has to be a name that is in the certificate',
  CERT_HAS_EXPIRED: "the archive's certificate has to be renewed, or the clock of this machine is wrong",
  ERR_SSL_WRONG_VERSION_NUMBER: 'the archive does not speak TLS at this port',
};

/** An open connection. @throws ConnectionLost where there is none in time; the signal's reason */
export async function connected(
  { host, port, tls }: Address,
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<Socket> {
  signal?.throwIfAborted();
  const socket = tls
    ? connectTls({ host, port, minVersion: 'TLSv1.2', ...nameOf(host), ...pemOf(tls) })
    : connect({ host, port });
  const limit = AbortSignal.timeout(limitMs);
  const either = AbortSignal.any([limit, ...(signal ? [signal] : [])]);
  try {
    await once(socket, tls ? 'secureConnect' : 'connect', { signal: either });
    return socket;
  } catch (error) {
    socket.on('error', () => undefined);
    socket.destroy();
    signal?.throwIfAborted();
    if (limit.aborted) throw new ConnectionLost(`no connection within ${limitMs / 1000} s`);
    const advice = TLS_ADVICE[codeOf(error) ?? ''];
    throw new ConnectionLost(`${messageOf(error)}${advice ? ` (${advice})` : ''}`, { cause: error });
  }
}

/** TLS names no addresses, only hosts (RFC 6066 section 3). */
const nameOf = (host: string) => (/^[\d.]+$|:/.test(host) ? {} : { servername: host });

/** As node:tls takes them. */
export const pemOf = ({ ca, certificate, key }: TlsFiles) => ({
  ...(ca === undefined ? {} : { ca }),
  ...(certificate === undefined ? {} : { cert: certificate }),
  ...(key === undefined ? {} : { key }),
});
