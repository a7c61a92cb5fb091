import express, { type Express, type Router } from 'express';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { healthRoutes, type ReadinessReport } from '../http/health.ts';
import { type MetricsText, metricsRoutes } from '../http/metrics.ts';
import { createApp, type HttpAccess } from '../http/server.ts';
import { type StudiesApi, studiesApi } from '../http/studies-api.ts';
import { studiesPage } from '../http/studies-page.ts';

export interface NodeHttpParts {
  readonly studies: StudiesApi;
  readonly readiness: ReadinessReport;
  readonly metrics: MetricsText;
  readonly logger: Logger;
  /** The embedded archive, where it is in use. */
  readonly archive: Router | undefined;
  readonly access: HttpAccess | undefined;
}

/** Everything that the node answers to. */
export function composeHttp(
  config: Config,
  { studies, readiness, metrics, logger, archive, access }: NodeHttpParts,
): Express {
  const { basePath, hosts, trustedProxies, limits } = config.http;
  return createApp({
    archive,
    access,
    basePath,
    hosts,
    trustedProxies,
    limits: { ...limits, urlBytes: limits.urlKilobytes * 1024, bodyBytes: limits.bodyKilobytes * 1024 },
    api: studiesApi(studies),
    pages: express.Router().get('/', studiesPage(studies)),
    health: healthRoutes(readiness),
    metrics: config.metrics.enabled ? metricsRoutes(metrics) : undefined,
    onError: (err) => logger.error({ err }, 'a request failed'),
  });
}
