import { z } from 'zod';

/** Addresses that only programs of the same machine reach. */
const LOOPBACK_HOSTS: readonly string[] = ['127.0.0.1', '::1', 'localhost'];
export const isLoopback = (host: string): boolean => LOOPBACK_HOSTS.includes(host);

const file = z.string().min(1).nullable();

/** Name or address, with or without a port. */
const hostName = z
  .string()
  .regex(/^[\w.-]+(:\d+)?$|^\[[\da-f:]+\](:\d+)?$/i, 'must be a host name, or host:port');

const tlsSchema = z
  .strictObject({ certificate: file, key: file, clientCa: file })
  .refine(({ certificate, key }) => (certificate === null) === (key === null), {
    error: 'needs both certificate and key, or neither',
  })
  .refine(({ certificate, clientCa }) => clientCa === null || certificate !== null, {
    path: ['clientCa'],
    error: 'is of use only together with certificate and key',
  });

export const httpSchema = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(0).max(65_535),
  basePath: z
    .string()
    .regex(/^(\/[\w.~-]+)*$/, 'must be empty or a path such as /pansegnet, without a slash at its end'),
  hosts: z.array(hostName),
  trustedProxies: z.array(z.string().min(1)),
  tls: tlsSchema,
  limits: z.strictObject({
    requestsPerMinute: z.int().positive(),
    failedLoginsPerMinute: z.int().positive(),
    connections: z.int().positive(),
    connectionsPerAddress: z.int().positive(),
    bodyKilobytes: z.int().positive(),
    urlKilobytes: z.int().positive().max(64),
    headerSeconds: z.number().positive(),
    bodySeconds: z.number().positive(),
    idleSeconds: z.number().positive(),
    requestMinutes: z.number().positive(),
  }),
});

/** Signature algorithms with a key pair; shared secrets (HS256) would make every holder an issuer. */
const SIGNATURES = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

const claimValues = z.array(z.string().min(1));

const oidcSchema = z
  .strictObject({
    issuer: z.url({ protocol: /^https?$/ }).nullable(),
    audience: z.string().min(1).nullable(),
    jwksUrl: z.url({ protocol: /^https?$/ }).nullable(),
    algorithms: z.array(z.enum(SIGNATURES)).min(1),
    nameClaim: z.string().min(1),
    roleClaim: z.string().min(1),
    roles: z.strictObject({
      viewer: claimValues,
      reviewer: claimValues,
      operator: claimValues,
      sender: claimValues,
    }),
    clockToleranceSeconds: z.number().nonnegative(),
  })
  .refine(({ issuer, audience }) => issuer === null || audience !== null, {
    path: ['audience'],
    error: 'is needed: without it every token of the issuer would be accepted, whatever it was made for',
  });

export const authSchema = z.strictObject({
  tokensFile: file,
  sessionHours: z.number().positive(),
  oidc: oidcSchema,
});

interface Listening {
  readonly http: Pick<z.infer<typeof httpSchema>, 'host' | 'basePath' | 'hosts' | 'trustedProxies'>;
  readonly auth: z.infer<typeof authSchema>;
}

export const isAuthenticationConfigured = ({ auth }: Pick<Listening, 'auth'>): boolean =>
  auth.tokensFile !== null || auth.oidc.issuer !== null;

/** Whoever reaches a node without authentication may do everything: only programs of its own machine may. */
export const isListeningGuarded = (config: Listening): boolean =>
  isLoopback(config.http.host) || isAuthenticationConfigured(config);

/** A proxy reaches the node from loopback, for everybody: what is set for one needs authentication. */
export const isProxyGuarded = (config: Listening): boolean => {
  const { basePath, hosts, trustedProxies } = config.http;
  const isBehindProxy = basePath !== '' || hosts.length > 0 || trustedProxies.length > 0;
  return !isBehindProxy || isAuthenticationConfigured(config);
};
