import http, { type ClientRequest } from 'node:http';
import https, { type RequestOptions } from 'node:https';

/** How the archive is reached. Certificates and key are PEM texts. */
export interface ConnectionSettings {
  /** The authority that signed the archive's certificate, in place of the public ones. */
  readonly ca?: string | undefined;
  /** What the node shows where the archive wants a client certificate (mutual TLS). */
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
  /** HTTP proxy on the way; https goes through it in a tunnel (CONNECT), so that it sees nothing of it. */
  readonly proxy?: string | undefined;
}

/**
 * Connections to one archive, for every request of whatever kind. One connection per request: a kept connection that the
 * archive closes just then looks like an archive that is down.
 */
export class Connections {
  readonly httpAgent: http.Agent;
  readonly httpsAgent: https.Agent;

  constructor({ ca, clientCertificate, clientKey, proxy }: ConnectionSettings = {}) {
    const common = {
      keepAlive: false,
      ...(proxy === undefined ? {} : { proxyEnv: { http_proxy: proxy, https_proxy: proxy } }),
    };
    this.httpAgent = new http.Agent(common);
    this.httpsAgent = new https.Agent({
      ...common,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(clientCertificate === undefined ? {} : { cert: clientCertificate }),
      ...(clientKey === undefined ? {} : { key: clientKey }),
    });
  }

  /** As http.request: the caller listens to its events. */
  request(url: string, options: RequestOptions): ClientRequest {
    return new URL(url).protocol === 'https:'
      ? https.request(url, { ...options, agent: this.httpsAgent })
      : http.request(url, { ...options, agent: this.httpAgent });
  }
}

/** Without certificates of its own and without a proxy. */
export const DIRECT = new Connections();

/** What an administrator most likely has to do about an error of TLS, by Node's code for it. */
const TLS_ADVICE: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'set archive.ca to the certificate of the authority that signed it',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'set archive.ca to the certificate of the authority that signed it',
  SELF_SIGNED_CERT_IN_CHAIN: 'set archive.ca to the certificate of the authority that signed it',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'set archive.ca to that certificate itself',
  ERR_TLS_CERT_ALTNAME_INVALID: 'archive.url has to use a name that is in the certificate',
  CERT_HAS_EXPIRED: "the archive's certificate has to be renewed, or the clock of this machine is wrong",
  ERR_SSL_WRONG_VERSION_NUMBER: 'the archive does not speak TLS there: http instead of https?',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'the archive wants a client certificate: set archive.clientCertificate and archive.clientKey',
};

/** Why a connection failed, for people: Node's message and what to do about it. */
export function connectionReason(error: unknown): string {
  // Several addresses were tried (IPv6 and IPv4): an AggregateError without a message of its own.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error) || first.message === '') return 'no connection';
  const advice = 'code' in first ? TLS_ADVICE[String(first.code)] : undefined;
  return advice ? `${first.message} (${advice})` : first.message;
}
