import { Router } from 'express';

/** The part of a prom-client registry that is needed here. */
export interface MetricsText {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/** /metrics in Prometheus's text form; to be mounted there. */
export function metricsRoutes(registry: MetricsText): Router {
  const router = Router();
  router.get('/', async (_request, response) => {
    const text = await registry.metrics();
    response.set('Cache-Control', 'no-store').set('Content-Type', registry.contentType).send(text);
  });
  return router;
}
