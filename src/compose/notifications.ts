import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { sendEmail } from '../exchange/notifications/email.ts';
import { type Deliver, startNotifier } from '../exchange/notifications/notifier.ts';
import { postWebhook } from '../exchange/notifications/webhook.ts';
import type { Database } from '../store/database/sql.ts';

/** Tells others what happened, where the site wants it. */
export function startNotifications(
  config: Config,
  { database, logger, now }: { database: Database; logger: Logger; now: () => Date },
): { stop(): Promise<void> } {
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
  if (Object.keys(channels).length === 0) return { stop: async () => {} };
  const { repeatabilityPercent, counts } = config.results;
  return startNotifier({
    sql: database,
    channels,
    settings: {
      events,
      changePercent,
      patientData,
      pagesUrl: pagesUrl?.replace(/\/+$/, ''),
      trends: { correctedCounts: counts === 'reader', repeatabilityPercent },
    },
    now,
    warn: (fields, message) => logger.warn(fields, message),
  });
}
