import type { ErrorRequestHandler } from 'express';
import { z } from 'zod';

/** The last word on a request that failed: a stable code, and nothing of the program's inside. */
export function errorAnswer(onError: (error: unknown) => void): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, _request, response, _next) => {
    if (error instanceof z.ZodError) {
      response.status(400).json({ code: 'BAD_REQUEST', message: z.prettifyError(error) });
      return;
    }
    onError(error);
    response.status(500).json({ code: 'INTERNAL', message: 'the request failed; the log says why' });
  };
}
