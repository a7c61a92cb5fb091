import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';

/** How another system is reached. Certificates and key are PEM texts. */
export interface ConnectionSettings {
  /** The authority that signed the server's certificate, in place of the public ones. */
  readonly ca?: string | undefined;
  /** What is shown where the server wants a client certificate (mutual TLS). */
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
  /** HTTP proxy on the way; https goes through it in a tunnel (CONNECT), so that it sees nothing of it. */
  readonly proxy?: string | undefined;
}

/** A request whose head is on its way. */
export interface OpenRequest {
  /** Takes the body, and has to be ended. Its errors are those of `head`. */
  readonly sent: ClientRequest;
  /** The head of the answer, which may come before all of the body is sent. */
  readonly head: Promise<IncomingMessage>;
}

/**
 * Connections to one system, for every request of whatever kind; no other module opens one. One connection
 * per request: a kept connection that the server closes just then looks like a server that is down.
 */
export class Connections {
  readonly #httpAgent: http.Agent;
  readonly #httpsAgent: https.Agent;

  constructor({ ca, clientCertificate, clientKey, proxy }: ConnectionSettings = {}) {
    const common = {
      keepAlive: false,
      ...(proxy === undefined ? {} : { proxyEnv: { http_proxy: proxy, https_proxy: proxy } }),
    };
    this.#httpAgent = new http.Agent(common);
    this.#httpsAgent = new https.Agent({
      ...common,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(clientCertificate === undefined ? {} : { cert: clientCertificate }),
      ...(clientKey === undefined ? {} : { key: clientKey }),
    });
  }

  /** Redirects are answers like others here: nobody follows them. */
  open(url: string, options: { method: string; headers: Readonly<Record<string, string>> }): OpenRequest {
    const sent =
      new URL(url).protocol === 'https:'
        ? https.request(url, { ...options, agent: this.#httpsAgent })
        : http.request(url, { ...options, agent: this.#httpAgent });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    sent.once('response', resolve);
    sent.on('error', reject);
    return { sent, head: promise };
  }
}

/** Without certificates of its own and without a proxy. */
export const DIRECT = new Connections();
