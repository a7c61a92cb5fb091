import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { compareCandidate } from '../pipeline/candidate/compare-candidate.ts';
import { describeFailure } from '../pipeline/failures.ts';
import { configuredModels, MODALITY_OF, type ModelNames } from '../pipeline/run/models.ts';
import type { Models, RunParts } from '../pipeline/run/run-parts.ts';
import { SEGMENTED_CLASSES, type SegmentedClass } from '../pipeline/selection/rules.ts';
import { AsideWork } from '../queue/aside-work.ts';
import { queueFigures } from '../queue/queue-figures.ts';
import type { StudyQueue } from '../queue/study-queue.ts';
import type { Database } from '../store/database/sql.ts';
import {
  type CandidateLease,
  type ClaimedCandidate,
  claimCandidate,
  failCandidate,
  finishCandidate,
  forgetCandidates,
  holdCandidate,
  isCandidateDue,
  releaseAllCandidates,
  releaseCandidate,
} from '../store/records/candidates.ts';
import type { ModelsInUse } from './models.ts';

/** How often images are looked for that a candidate is to segment; the end of a study is a look too. */
const POLL_MS = 5_000;
/** How many beats fall into the time after which a process counts as dead. */
const BEATS_PER_LEASE = 4;

interface CandidateParts {
  readonly database: Database;
  readonly queue: StudyQueue;
  readonly run: RunParts;
  readonly inUse: ModelsInUse;
  readonly logger: Logger;
}

/**
 * Has candidates segment what the models in use have segmented, while no study is there to be processed;
 * undefined where there is no candidate.
 */
export async function startCandidates(
  config: Config,
  { database, queue, run, inUse, logger }: CandidateParts,
): Promise<AsideWork<ClaimedCandidate> | undefined> {
  const { candidates: names, folder } = config.models;
  if (Object.values(names).every((name) => name === null)) return undefined;
  if (database.kind === 'embedded') await releaseAllCandidates(database);
  const { retries, takeovers, heartbeatSeconds } = config.queue;
  const lease: CandidateLease = { owner: randomUUID(), seconds: heartbeatSeconds };
  const models = configuredModels(names, folder, inUse.loaded);
  const failed = (err: unknown) => logger.error({ err }, 'what a candidate found cannot be written');
  const usable = usableCandidates(names, models, logger);

  const take = async (): Promise<ClaimedCandidate | undefined> => {
    for (;;) {
      const claimed = await claimCandidate(database, await usable(inUse.names()), lease);
      if (!claimed || claimed.tries <= retries + takeovers + 1) return claimed;
      const reason = `processes ended ${claimed.tries - 1} times while they worked on it`;
      const end = { reason, errorCode: 'STUDY_CRASHES', again: false, now: run.now() } as const;
      await failCandidate(database, claimed, lease.owner, end);
    }
  };

  const compare = async (claimed: ClaimedCandidate, signal: AbortSignal): Promise<void> => {
    const { studyInstanceUid, candidate, class: ofClass, tries } = claimed;
    try {
      signal.throwIfAborted();
      const model = await models.load(classOf(ofClass));
      logger.info({ studyInstanceUid, candidate }, 'a candidate begins');
      const result = await compareCandidate(claimed, model, run, signal);
      if (!result) return await forgetCandidates(database, [studyInstanceUid]);
      await finishCandidate(database, claimed, lease.owner, { result, now: run.now() });
      logger.info({ studyInstanceUid, candidate, dice: result.dice }, 'a candidate has segmented it too');
    } catch (error) {
      if (signal.aborted) return await releaseCandidate(database, claimed, lease.owner);
      const { code: errorCode, reason, passing, retriesAtMost = retries } = describeFailure(error);
      const again = passing &&
        tries <= Math.min(retries, retriesAtMost) && { pauseSeconds: pauseBefore(tries, config) };
      logger.warn({ studyInstanceUid, candidate, code: errorCode, reason }, 'a candidate failed on it');
      await failCandidate(database, claimed, lease.owner, { reason, errorCode, again, now: run.now() });
    }
  };

  return new AsideWork<ClaimedCandidate>({
    isFree: async () => {
      await inUse.refresh();
      return (await queue.mode()) === 'running' && (await queueFigures(database, run.now())).waiting === 0;
    },
    waits: async () => isCandidateDue(database, await usable(inUse.names())),
    take,
    work: async (claimed, signal) => {
      const beat = () => void holdCandidate(database, claimed, lease).catch(failed);
      const beats = setInterval(beat, (lease.seconds * 1000) / BEATS_PER_LEASE);
      await compare(claimed, signal).catch(failed);
      clearInterval(beats);
    },
    pollMs: POLL_MS,
    onError: failed,
  });
}

/**
 * Candidates that can segment: those that load, and are not in use themselves. Of others it is said once why
 * not; their images wait.
 */
function usableCandidates(names: ModelNames, models: Models, logger: Logger) {
  const told = new Set<string>();
  const loads = async (seriesClass: SegmentedClass): Promise<boolean> => {
    try {
      await models.load(seriesClass);
      return true;
    } catch (error) {
      const { reason } = describeFailure(error);
      if (!told.has(reason))
        logger.warn({ class: MODALITY_OF[seriesClass], reason }, 'no use as a candidate');
      told.add(reason);
      return false;
    }
  };
  return async (inUse: ModelNames): Promise<{ class: string; name: string }[]> => {
    const usable: { class: string; name: string }[] = [];
    for (const seriesClass of SEGMENTED_CLASSES) {
      const ofClass = MODALITY_OF[seriesClass];
      const name = names[ofClass];
      if (name !== null && name !== inUse[ofClass] && (await loads(seriesClass)))
        usable.push({ class: ofClass, name });
    }
    return usable;
  };
}

function classOf(modality: string): SegmentedClass {
  const found = SEGMENTED_CLASSES.find((name) => MODALITY_OF[name] === modality);
  if (!found) throw new TypeError(`there are no models for ${modality}`);
  return found;
}

/** In seconds; it doubles each time. */
const pauseBefore = (tries: number, { queue: { retryDelaySeconds, retryDelayMaxSeconds } }: Config): number =>
  Math.min(retryDelayMaxSeconds, retryDelaySeconds * 2 ** (tries - 1));
