import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import { errorAnswer } from './error-answer.ts';
import { HttpError } from './http-error.ts';
import { changeOfWorkitem } from './orders/workitem-routes.ts';
import { allow, changeByApi, changeByPage, identified } from './security/access.ts';
import { limitBodyTime } from './security/body-time.ts';
import { securityHeaders } from './security/headers.ts';
import { limitRequests, limitUrl, type RequestLimits } from './security/limits.ts';
import { knownHostsOnly, ownOriginOnly } from './security/origin.ts';
import { type Identify, LOOPBACK_PRINCIPAL } from './security/principal.ts';
import type { Strangers } from './security/strangers.ts';

export interface HttpParts {
  /** /healthz and /readyz; open to everybody. */
  readonly health: RequestHandler;
  /** A process that only works has neither API nor pages. */
  readonly api?: RequestHandler | undefined;
  readonly pages?: RequestHandler | undefined;
  /**
   * Scripts, styles and fonts of the pages; open to everybody, as the page that asks for a token needs them.
   */
  readonly assets?: RequestHandler | undefined;
  /** The embedded archive's DICOMweb service, where it is in use. */
  readonly archive?: RequestHandler | undefined;
  /** STOW-RS, where the archive is elsewhere. */
  readonly receive?: RequestHandler | undefined;
  /** UPS-RS on the node's own worklist. */
  readonly workitems?: RequestHandler | undefined;
  /** Told by the archive that a study is complete. */
  readonly notify?: RequestHandler | undefined;
  readonly metrics?: RequestHandler | undefined;
  /** The audit log, for operators. */
  readonly auditLog?: RequestHandler | undefined;
  readonly access?: HttpAccess | undefined;
  /** Records who saw or did what. */
  readonly audit?: RequestHandler | undefined;
  /** Records requests that were refused before they came that far. */
  readonly auditRefused?: ((request: Request, response: Response) => void) | undefined;
  readonly limits: RequestLimits;
  /** Addresses and networks of reverse proxies that are believed (Express's `trust proxy`). */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Path that everything is below, with a slash in front and none at its end; empty: the root. */
  readonly basePath?: string | undefined;
  /** Names that the node goes by beside loopback's. */
  readonly hosts?: readonly string[] | undefined;
  /** Told of errors that are not the request's fault. */
  readonly onError: (error: unknown) => void;
}

/** Authentication, where it is configured. Without it everybody who reaches the node is an operator. */
export interface HttpAccess {
  readonly identify: Identify;
  /** /login and /logout. */
  readonly login: RequestHandler;
  /** Counts who is not known; shared with `login`. */
  readonly strangers: Strangers;
}

/**
 * Mounts the routers behind the checks that all requests pass: headers, time, how much of who is not known,
 * host, who it is, how much, from where, role. What costs least comes first.
 */
export function createApp({
  basePath = '',
  hosts = [],
  access,
  limits,
  onError,
  ...parts
}: HttpParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', [...(parts.trustedProxies ?? [])]);
  app.use(securityHeaders());
  app.use(limitBodyTime(limits.bodyMs));
  if (access) {
    const { strangers } = access;
    // Health checks of container engines and load balancers know nothing of the path that a proxy adds.
    for (const path of new Set([basePath || '/', '/'])) app.use(path, strangers.slowHealth, parts.health);
    app.use(strangers.gate(parts.auditRefused ?? (() => undefined)));
  }
  if (parts.audit) app.use(parts.audit);
  if (!access) app.use(knownHostsOnly());
  app.use(limitUrl(limits.urlBytes));

  const node = express.Router();
  node.use(parts.health);
  const identify = access?.identify ?? (async () => LOOPBACK_PRINCIPAL);
  node.use(identified(identify, (request) => access?.strangers.letIn(request)));
  node.use(limitRequests(limits.requestsPerMinute));
  node.use(ownOriginOnly(hosts));
  if (access) node.use(access.login);
  const mount = (path: string, guard: RequestHandler, ...routers: (RequestHandler | undefined)[]) => {
    for (const router of routers) if (router) node.use(path, guard, router);
  };
  if (parts.assets) node.use('/assets', parts.assets);
  mount('/dicom-web/workitems', allow('operator', changeOfWorkitem), parts.workitems);
  mount('/dicom-web', allow('viewer', 'sender'), parts.archive ?? parts.receive);
  mount('/api/notify', allow('viewer', 'sender'), express.json({ limit: limits.bodyBytes }), parts.notify);
  mount('/metrics', allow('viewer', 'operator'), parts.metrics);
  mount('/api/audit', allow('operator', 'operator'), parts.auditLog);
  mount('/api', allow('viewer', changeByApi), express.json({ limit: limits.bodyBytes }), parts.api);
  mount('/', allow('viewer', changeByPage, access && `${basePath}/login`), parts.pages);

  app.use(basePath || '/', node);
  if (basePath) app.use(parts.health);
  app.use(() => {
    throw new HttpError('NOT_FOUND', 'there is nothing at this address');
  });
  if (access) app.use(access.strangers.limitWrong);
  app.use(errorAnswer(onError));
  return app;
}
