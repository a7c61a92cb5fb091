import { Router } from 'express';

/**
 * /healthz: the process answers. /readyz: it can work.
 * @param ready rejects with the reason while it cannot: the database or the archive does not answer
 */
export function healthRoutes(ready: () => Promise<void>): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    try {
      await ready();
      response.json({ status: 'ready' });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      response.status(503).json({ status: 'not ready', reason });
    }
  });
  return router;
}
