import { createHmac } from 'node:crypto';
import { StatusError } from '../../http-client/errors.ts';
import { exchange } from '../../http-client/exchange.ts';
import { bodyOf } from '../../http-client/request-body.ts';
import type { Message } from './message.ts';

/** A receiver that takes longer is as good as none; what it answers is not read. */
const LIMITS = { idleMs: 15_000, totalMs: 15_000, answerBytes: 0 } as const;

/**
 * Posts a message as JSON, signed so that the receiver knows who sent it and when: `t=SECONDS,v1=HEX`, the
 * HMAC-SHA256 of `SECONDS.BODY`. The receiver takes a delivery that comes twice for one. What is signed for
 * one address goes to no other.
 * @throws Error where the answer isn't a 2xx, or none comes
 */
export async function postWebhook(
  { url, secret }: { url: string; secret: string },
  { id, message, now }: { id: number; message: Message; now: Date },
): Promise<void> {
  const body = JSON.stringify({ id, ...message });
  const seconds = Math.floor(now.getTime() / 1000);
  const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  try {
    const answer = await exchange({
      url,
      method: 'POST',
      body: bodyOf(Buffer.from(body)),
      headers: {
        'Content-Type': 'application/json',
        'Pansegnet-Delivery': String(id),
        'Pansegnet-Signature': `t=${seconds},v1=${signature}`,
      },
      limits: LIMITS,
      accepts: (status) => status >= 200 && status < 300,
    });
    answer.close();
  } catch (error) {
    throw whatToTell(error);
  }
}

/**
 * Of an answer no more than its status: many such addresses are a secret, and servers repeat them in their
 * errors.
 */
function whatToTell(error: unknown): unknown {
  if (!(error instanceof StatusError)) return error;
  const redirect = error.details.location === undefined ? '' : ' (a redirect, which is not followed)';
  return new Error(`the webhook answered ${error.status}${redirect}`);
}
