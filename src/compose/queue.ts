import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { JobEngine } from '../queue/job-engine.ts';
import { StudyQueue } from '../queue/study-queue.ts';
import type { Database } from '../store/database/sql.ts';

const SECONDS_PER_MINUTE = 60;
const SECONDS_PER_DAY = 86_400;

export function openEngine(database: Database, logger: Logger): Promise<JobEngine> {
  return JobEngine.open(database, (err) => logger.error({ err }, 'the queue has trouble with its database'));
}

export function openQueue({ queue, retention }: Config, engine: JobEngine): Promise<StudyQueue> {
  return StudyQueue.open(engine, {
    retryLimit: queue.retries,
    retryDelaySeconds: queue.retryDelaySeconds,
    retryDelayMaxSeconds: queue.retryDelayMaxSeconds,
    jobTimeoutSeconds: queue.studyTimeoutMinutes * SECONDS_PER_MINUTE,
    heartbeatSeconds: queue.heartbeatSeconds,
    takeoverLimit: queue.takeovers,
    finishedSeconds: retention.finishedJobDays * SECONDS_PER_DAY,
  });
}
