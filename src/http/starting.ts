import express, { type Express } from 'express';
import { errorAnswer } from './error-answer.ts';
import { healthRoutes, RETRY_AFTER_SECONDS } from './health.ts';
import { HttpError } from './http-error.ts';
import { securityHeaders } from './security/headers.ts';

/** What a node answers while its parts are being opened: it is alive, and not ready. */
export function startingApp(basePath: string): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders());
  const health = healthRoutes({ closed: 'the node is starting', look: async () => [] });
  app.use(basePath || '/', health);
  if (basePath) app.use(health);
  app.use((_request, response) => {
    response.set('Retry-After', String(RETRY_AFTER_SECONDS));
    throw new HttpError('UNAVAILABLE', 'the node is starting; ask again in a moment');
  });
  app.use(errorAnswer(() => undefined));
  return app;
}
