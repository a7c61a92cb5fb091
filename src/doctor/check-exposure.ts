import { type Finding, ok, trouble } from './finding.ts';

export interface Exposure {
  readonly host: string;
  readonly port: number;
  readonly isLoopback: boolean;
  /** Whether the node itself speaks TLS. */
  readonly hasTls: boolean;
  /** Whether reverse proxies are configured, which may speak it for the node. */
  readonly isBehindProxy: boolean;
}

/** Who can reach the pages, the API and STOW-RS, and who can listen on the way. */
export function checkExposure(exposure: Exposure): Finding {
  const check = 'HTTP';
  const place = `${exposure.host}:${exposure.port}`;
  if (exposure.isLoopback) return ok(check, `${place}, this machine alone`);
  if (exposure.hasTls) return ok(check, `${place}, with TLS`);
  return trouble(
    check,
    'warning',
    `${place} is open to the network without TLS` +
      (exposure.isBehindProxy ? '; a reverse proxy may add it' : ''),
    'Tokens and patient data can be read on the way.',
    'Set http.tls.certificate and key; or let the node listen on 127.0.0.1 and a reverse proxy with TLS ' +
      'in front (docs/install.md).',
  );
}
