import express, { type Express, type RequestHandler, type Router } from 'express';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { apiRoutes } from '../http/api/api.ts';
import type { ApiParts } from '../http/api/api-parts.ts';
import { assetRoutes } from '../http/assets/assets.ts';
import { auditLogRoutes } from '../http/audit-log.ts';
import { healthRoutes, type ReadinessReport } from '../http/health.ts';
import { type MetricsText, metricsRoutes } from '../http/metrics.ts';
import { pageRoutes } from '../http/pages/pages.ts';
import { createApp, type HttpAccess } from '../http/server.ts';
import type { NodeAudit } from './audit.ts';
import type { NodeRole } from './role.ts';

export interface NodeHttpParts {
  /** A worker answers to health checks and metrics alone. */
  readonly role: NodeRole;
  readonly pages: ApiParts;
  /** Where the demo serves a viewer. */
  readonly viewer: RequestHandler | undefined;
  /** Commands of other processes of this machine. */
  readonly commands: Router | undefined;
  readonly readiness: ReadinessReport;
  readonly metrics: MetricsText;
  readonly logger: Logger;
  /** The embedded archive, where it is in use. */
  readonly archive: Router | undefined;
  /** STOW-RS, where it is not. */
  readonly receive: Router | undefined;
  /** UPS-RS, where the node takes orders. */
  readonly workitems: RequestHandler | undefined;
  /** Announcements by the archive. */
  readonly notify: Router | undefined;
  readonly access: HttpAccess | undefined;
  readonly audit: Pick<NodeAudit, 'requests' | 'refused'>;
}

/** Everything that the node answers to. */
export function composeHttp(
  config: Config,
  {
    role,
    pages,
    viewer,
    commands,
    readiness,
    metrics,
    logger,
    archive,
    receive,
    workitems,
    notify,
    access,
    audit,
  }: NodeHttpParts,
): Express {
  const { basePath, hosts, trustedProxies, limits } = config.http;
  return createApp({
    archive,
    receive,
    workitems,
    notify,
    access,
    audit: audit.requests,
    auditRefused: audit.refused,
    basePath,
    hosts,
    trustedProxies,
    limits: {
      ...limits,
      urlBytes: limits.urlKilobytes * 1024,
      bodyBytes: limits.bodyKilobytes * 1024,
      bodyMs: limits.bodySeconds * 1000,
    },
    api: role === 'worker' ? undefined : withCommands(apiRoutes(pages), commands),
    pages: role === 'worker' ? undefined : withViewer(pageRoutes(pages), viewer),
    assets: assetRoutes(),
    auditLog: role === 'worker' ? undefined : auditLogRoutes(config.audit.folder),
    health: healthRoutes(readiness),
    metrics: config.metrics.enabled ? metricsRoutes(metrics) : undefined,
    onError: (err) => logger.error({ err }, 'a request failed'),
  });
}

const withCommands = (api: Router, commands: Router | undefined): Router =>
  commands ? express.Router().use('/commands', commands).use(api) : api;

const withViewer = (pages: Router, viewer: RequestHandler | undefined): RequestHandler =>
  viewer ? express.Router().use(pages).use(viewer) : pages;
