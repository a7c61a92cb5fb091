import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { StudyQueue } from '../queue/queue.ts';
import type { Database } from '../store/database/sql.ts';

const SECONDS_PER_MINUTE = 60;

export function openQueue({ queue }: Config, database: Database, logger: Logger): Promise<StudyQueue> {
  return StudyQueue.open(database, {
    retryLimit: queue.retries,
    retryDelaySeconds: queue.retryDelaySeconds,
    retryDelayMaxSeconds: queue.retryDelayMaxSeconds,
    jobTimeoutSeconds: queue.studyTimeoutMinutes * SECONDS_PER_MINUTE,
    heartbeatSeconds: queue.heartbeatSeconds,
    takeoverLimit: queue.takeovers,
    onError: (err) => logger.error({ err }, 'the queue has trouble with its database'),
  });
}
