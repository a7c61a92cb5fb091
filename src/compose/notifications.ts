import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { sendEmail } from '../exchange/notifications/email.ts';
import { type Deliver, startNotifier } from '../exchange/notifications/notifier.ts';
import { openOutbox } from '../exchange/notifications/outbox.ts';
import { postWebhook } from '../exchange/notifications/webhook.ts';
import type { JobEngine } from '../queue/job-engine.ts';

/** Tells others what happened, where the site wants it. */
export async function startNotifications(
  config: Config,
  { engine, logger, now }: { engine: JobEngine; logger: Logger; now: () => Date },
): Promise<{ stop(): Promise<void> }> {
  const { webhook, email, events, changePercent, patientData, pagesUrl } = config.notifications;
  const { url, secret } = webhook;
  const { smtp, from, to } = email;
  const channels: Record<string, Deliver> = {
    ...(url !== null && secret !== null
      ? { webhook: (delivery) => postWebhook({ url, secret }, delivery) }
      : {}),
    ...(smtp !== null && from !== null
      ? { email: ({ message }) => sendEmail({ smtp, from, to }, message) }
      : {}),
  };
  // Where nobody is told, what an earlier version left undelivered waits there until somebody is.
  await openOutbox(engine);
  if (Object.keys(channels).length === 0) return { stop: async () => {} };
  const { repeatabilityPercent, counts } = config.results;
  return startNotifier({
    engine,
    channels,
    settings: {
      events,
      changePercent,
      nothingArrivedHours: config.notifications.nothingArrivedHours,
      patientData,
      pagesUrl: pagesUrl?.replace(/\/+$/, ''),
      trends: { correctedCounts: counts === 'reader', repeatabilityPercent },
    },
    now,
    warn: (fields, message) => logger.warn(fields, message),
  });
}
