import { createHmac } from 'node:crypto';
import type { Message } from './message.ts';

/** A receiver that takes longer is as good as none. */
const LIMIT_MS = 15_000;

/**
 * Posts a message as JSON, signed so that the receiver knows who sent it and when: `t=SECONDS,v1=HEX`, the HMAC-SHA256 of
 * `SECONDS.BODY`. The receiver takes a delivery that comes twice for one.
 * @throws Error where the answer isn't a 2xx, or none comes
 */
export async function postWebhook(
  { url, secret }: { url: string; secret: string },
  { id, message, now }: { id: number; message: Message; now: Date },
): Promise<void> {
  const body = JSON.stringify({ id, ...message });
  const seconds = Math.floor(now.getTime() / 1000);
  const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: {
      'Content-Type': 'application/json',
      'Pansegnet-Delivery': String(id),
      'Pansegnet-Signature': `t=${seconds},v1=${signature}`,
    },
    redirect: 'error', // what is signed for one address goes to no other
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the webhook answered ${response.status}`);
}
