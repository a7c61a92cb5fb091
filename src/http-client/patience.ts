import { setTimeout as wait } from 'node:timers/promises';
import { StatusError } from './errors.ts';

/**
 * Statuses with which a server that is busy says when to come back (RFC 6585 section 4, RFC 9110 section
 * 15.6.4).
 */
const BUSY: ReadonlySet<number> = new Set([429, 503]);
/** All pauses of one request together: a run that is far on waits for that long rather than begin again. */
const PATIENCE_MS = 30_000;
/** A server may ask for pauses of no length without end. */
const MOST_PAUSES = 5;

/**
 * Sends a request again where the server is busy and says for how long (Retry-After), as long as that is
 * short.
 * @param send may be called several times
 * @throws what the last `send` throws; the signal's reason where it aborts during a pause
 */
export async function patiently<T>(send: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  let left = PATIENCE_MS;
  for (let pauses = 0; ; pauses++) {
    try {
      return await send();
    } catch (error) {
      const pauseMs = pauseAfter(error);
      if (pauseMs === undefined || pauseMs > left || pauses === MOST_PAUSES) throw error;
      left -= pauseMs;
      await wait(pauseMs, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
    }
  }
}

function pauseAfter(error: unknown): number | undefined {
  return error instanceof StatusError && BUSY.has(error.status) ? error.retryAfterMs : undefined;
}
