import { Router } from 'express';
import { codeOf } from '../coded-error.ts';

/** What /readyz answers from: `metrics/readiness.ts`. */
export interface ReadinessReport {
  /** Why the node as a whole takes nothing, whatever its parts say: it starts, or it stops. */
  readonly closed: string | undefined;
  look(): Promise<readonly { readonly part: string; readonly error?: unknown }[]>;
}

/** How soon a balancer may ask again whether a starting, stopping or troubled node is ready. */
export const RETRY_AFTER_SECONDS = 5;

/**
 * /healthz: the event loop runs. /readyz: 200 where database, archive, models and queue can be used, else 503
 * naming those that cannot. Both are open to everybody, so reasons are stable codes; the log and `doctor` say
 * more.
 */
export function healthRoutes(readiness: ReadinessReport): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    response.set('Cache-Control', 'no-store');
    const { closed } = readiness;
    const looks = closed === undefined ? await readiness.look() : [];
    const reasons = looks
      .filter(({ error }) => error !== undefined)
      .map(({ part, error }) => `${part}: ${codeOf(error) ?? 'UNEXPECTED'}`);
    if (closed !== undefined) reasons.push(closed);
    const parts = Object.fromEntries(looks.map(({ part, error }) => [part, error === undefined]));
    if (reasons.length === 0) {
      response.json({ status: 'ready', parts });
      return;
    }
    response.status(503).set('Retry-After', String(RETRY_AFTER_SECONDS));
    response.json({ status: 'not ready', reason: reasons.join('; '), reasons, parts });
  });
  return router;
}
