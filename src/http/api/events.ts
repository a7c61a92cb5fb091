import type { Response } from 'express';
import type { StudyEvent } from '../../store/events/study-events.ts';
import { HttpError } from '../http-error.ts';
import { principalName } from '../security/principal.ts';
import type { ApiParts } from './api-parts.ts';
import type { Operation } from './operation.ts';

/** Proxies cut silent connections, most of them after a minute. */
const HEARTBEAT_MS = 15_000;
/** How long a revoked token or a session that was logged out goes on listening at most. */
const RECHECK_MS = 5_000;
/** Each listener holds a connection; a hospital has fewer people who look at once. */
const MOST_LISTENERS = 200;
/** Pages that one person or program has open. */
const MOST_OF_ONE = 32;
/** A listener that does not read is dropped before what waits for it fills the memory. */
const MOST_UNSENT_BYTES = 1_000_000;

/** Server-sent events (HTML standard, section 9.2). No patient is named in them. */
export function eventOperations({ events }: ApiParts): Operation[] {
  const listening = new Map<string, number>();
  return [
    {
      method: 'get',
      path: '/events',
      summary: 'Server-sent events: `study` (its state changed) and `progress`; data is JSON',
      answer: { status: 200, description: 'a stream without end', type: 'text/event-stream' },
      errors: ['UNAVAILABLE'],
      handle: (_request, response) => {
        const name = principalName(response);
        const ofOne = listening.get(name) ?? 0;
        // Without authentication all who are on the machine have one name.
        const isOne = response.locals.principal?.by !== 'loopback';
        if (events.listeners >= MOST_LISTENERS || (isOne && ofOne >= MOST_OF_ONE)) {
          throw new HttpError('UNAVAILABLE', 'too many listeners');
        }
        listening.set(name, ofOne + 1);
        response.set({ 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
        response.type('text/event-stream').flushHeaders();
        response.write('retry: 3000\n\n');
        const end = events.listen(
          (event) => send(response, event),
          () => void response.end(),
        );
        const heartbeat = setInterval(() => response.write(':\n\n'), HEARTBEAT_MS);
        const { isStillIn } = response.locals;
        const recheck = setInterval(() => {
          void isStillIn?.().then((isIn) => isIn || response.end());
        }, RECHECK_MS);
        response.on('close', () => {
          clearInterval(heartbeat);
          clearInterval(recheck);
          const left = (listening.get(name) ?? 1) - 1;
          if (left > 0) listening.set(name, left);
          else listening.delete(name);
          end();
        });
      },
    },
  ];
}

function send(response: Response, event: StudyEvent): void {
  const data = event.kind === 'study' ? event.study : event.progress;
  response.write(`event: ${event.kind}\ndata: ${JSON.stringify(data)}\n\n`);
  if (response.writableLength > MOST_UNSENT_BYTES) response.destroy();
}
