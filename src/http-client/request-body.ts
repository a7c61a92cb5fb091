import { setImmediate as turnOfTheLoop, setTimeout as wait } from 'node:timers/promises';
import type { OpenRequest } from './connections.ts';

/** The body of a request. Its length is sent in the head, as old servers lose chunked bodies. */
export interface RequestBody {
  readonly length: number;
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Small enough that a slow line takes one now and then: how it goes on is seen by that. */
const PIECE_BYTES = 65_536;

/**
 * How long a server on the same network has to say no to the head of a request before a long body follows.
 */
const OBJECTION_MS = 20;

/** A body that is in memory. */
export function bodyOf(bytes: Uint8Array): RequestBody {
  return { length: bytes.length, chunks: pieces(bytes) };
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

/**
 * Sends a body piece by piece, as fast as the connection takes it, and ends the request. Ends early where the
 * connection is closed: then the answer, or the lack of one, says what happened.
 *
 * A server that refuses may answer and close without reading on, and the next write breaks the connection
 * together with the answer that has come: so before each piece there is a chance to read.
 * @param progress told when the connection has taken a piece
 * @throws what the body throws
 */
export async function sendBody(
  { sent, head }: OpenRequest,
  body: RequestBody | undefined,
  progress: () => void,
): Promise<void> {
  if (body && body.length > PIECE_BYTES) {
    sent.flushHeaders();
    await Promise.race([head, wait(OBJECTION_MS)]).catch(() => undefined);
  }
  for await (const chunk of body?.chunks ?? []) {
    if (sent.destroyed) return;
    if (!sent.write(chunk)) await drained(sent);
    progress();
    await turnOfTheLoop();
  }
  if (!sent.destroyed) sent.end();
}

function drained(sent: OpenRequest['sent']): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => {
    sent.off('drain', done).off('close', done);
    resolve();
  };
  sent.on('drain', done).on('close', done);
  return promise;
}
