import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { NodeMetrics } from '../metrics/node-metrics.ts';
import { asLongAsWanted } from '../orders/called-off.ts';
import { remeasureStudy } from '../pipeline/remeasure-study.ts';
import { exchanged } from '../pipeline/run/models.ts';
import type { Models, RunParts } from '../pipeline/run/run-parts.ts';
import type { ProgressListener, StageEndListener } from '../pipeline/run/stages.ts';
import { runStudy } from '../pipeline/run-study.ts';
import { isChosen } from '../pipeline/selection/choose-series.ts';
import { SEGMENTED_CLASSES, type SegmentedClass } from '../pipeline/selection/rules.ts';
import { isBehindOthers, type StudyJob } from '../queue/study-job.ts';
import type { StudyQueue } from '../queue/study-queue.ts';
import { workOnStudies } from '../queue/study-worker.ts';
import { loadModel } from '../segmentation/model/model-folder.ts';
import { wantEarlierStudies } from '../store/arrivals/earlier-searches.ts';
import type { Database } from '../store/database/sql.ts';
import { progressWriter } from '../store/records/progress-log.ts';
import { writeSpeed } from '../store/records/speeds.ts';
import { markEnded } from '../store/records/study-log.ts';
import type { NodeAudit } from './audit.ts';

interface WorkParts {
  readonly database: Database;
  readonly queue: StudyQueue;
  readonly run: RunParts;
  /** As they are when a study begins. */
  readonly modelsNow: () => Promise<Models>;
  /** Told that a study begins, and of its end. */
  readonly studyBegins: () => Disposable;
  /** See `Worker.mayBeginBehind`. */
  readonly mayBeginBehind: () => Promise<boolean>;
  readonly metrics: NodeMetrics;
  readonly audit: NodeAudit;
  readonly logger: Logger;
  readonly ended: (studyInstanceUid: string) => void;
}

/**
 * The next study is prepared so long before this one's network is through: longer than most take to be
 * retrieved, and short for a study that another process might take.
 */
const AHEAD_SECONDS = 60;

/** What needs no run where another one has dealt with the same images: see `StudyToRun.unlessDone`. */
const UNLESS_DONE: Readonly<Partial<Record<StudyJob['reason'], 'so' | 'at all'>>> = {
  watched: 'so',
  ordered: 'so',
  // It has come in another way meanwhile, and what the archive has of it stands.
  earlier: 'at all',
};

/** As new studies are processed, but for what the site has said of earlier ones. */
function earlierRun({ priors }: Config, run: RunParts): RunParts {
  const { mode, results } = priors;
  return { ...run, mode: mode === 'auto' ? run.mode : mode, historyAlone: results === 'history' };
}

/** Doctor holds it against the limit of the stage. */
async function keepSpeeds(
  database: Database,
  { models, now }: Pick<RunParts, 'models' | 'now'>,
  speeds: ReadonlyMap<SegmentedClass, number>,
): Promise<void> {
  for (const [seriesClass, secondsPerWindow] of speeds) {
    const { sha256: modelSha256 } = await models.load(seriesClass);
    const speed = { secondsPerWindow, measuredAt: now().toISOString() };
    await writeSpeed(database, { machine: hostname(), modelSha256 }, speed);
  }
}

/** Processes what is in the queue, until the queue is stopped. */
export function startWork(config: Config, parts: WorkParts): void {
  const { database, queue, run: configured, modelsNow, studyBegins, mayBeginBehind } = parts;
  const { metrics, audit, logger, ended } = parts;
  workOnStudies({
    database,
    queue,
    concurrency: config.queue.concurrency,
    mayBeginBehind,
    now: () => new Date(),
    log: logger,
    run: async (job, signal, { begin, nearlyOver }) => {
      using _study = studyBegins();
      const run = { ...configured, models: await modelsNow() };
      const shown = progressWriter(database, job.studyInstanceUid, {
        now: run.now,
        onError: (err) => logger.warn({ err }, 'progress cannot be shown'),
      });
      let isAtLast = false;
      const turn = { begin, beginsLast: () => void (isAtLast = true) };
      const onProgress: ProgressListener = (event) => {
        const { stage, secondsLeft } = event;
        if (isAtLast && stage === 'segment' && (secondsLeft ?? AHEAD_SECONDS) < AHEAD_SECONDS) nearlyOver();
        shown(event);
        run.onProgress?.(event);
      };
      if (job.measureWith) {
        const { model: name, mode, sha256 } = job.measureWith;
        const model = await loadModel(name, [config.models.folder]);
        if (sha256 !== undefined && sha256 !== model.sha256) {
          const todo = `history remeasure --model ${name}`;
          throw exchanged(name, model.sha256, 'to measure it again', sha256, todo);
        }
        const again = { ...job, mode, model };
        const { volumes, skipped } = await remeasureStudy(again, { ...run, onProgress, turn }, signal);
        const { studyInstanceUid } = job;
        audit.studyProcessed(
          studyInstanceUid,
          volumes.map(({ patientKey }) => patientKey),
        );
        logger.info({ studyInstanceUid, results: volumes.length, skipped }, 'study measured again');
        return;
      }
      const speeds = new Map<SegmentedClass, number>();
      const onStageEnd: StageEndListener = (end) => {
        const { stage, class: seriesClass, secondsPerStep } = end;
        const segmented = SEGMENTED_CLASSES.find((name) => name === seriesClass);
        if (stage === 'segment' && segmented && secondsPerStep) speeds.set(segmented, secondsPerStep);
        run.onStageEnd?.(end);
      };
      const runParts = { ...(job.reason === 'earlier' ? earlierRun(config, run) : run), onStageEnd };
      // After a kill the run may be over, and not yet told to anybody.
      const unlessDone = job.takeovers === 0 ? UNLESS_DONE[job.reason] : undefined;
      const study = { ...job, restate: job.reason === 'restated', unlessDone };
      const { studyInstanceUid } = job;
      const ordered = {
        database,
        studyInstanceUid,
        isOrdered: job.reason === 'ordered',
        now: run.now,
        onError: (err: unknown) => logger.warn({ err }, 'whether an order was canceled cannot be asked'),
      };
      const outcome = await asLongAsWanted(ordered, signal, ({ beforeStoring, signal: either }) =>
        runStudy(study, { ...runParts, onProgress, beforeStoring, turn }, either),
      ).catch((error) => {
        audit.studyFailed(studyInstanceUid, error);
        throw error;
      });
      if (!outcome) {
        const reason = 'the order for it was canceled';
        await markEnded(database, { studyInstanceUid, state: 'skipped', reason, now: run.now() });
        metrics.studyEnded('skipped', []);
        logger.info({ studyInstanceUid }, reason);
        return;
      }
      const { decisions, volumes, isDealtWith } = outcome;
      if (isDealtWith) {
        logger.info({ studyInstanceUid }, 'these images were processed already');
        return;
      }
      audit.studyProcessed(
        job.studyInstanceUid,
        volumes.map(({ patientKey }) => patientKey),
      );
      if (config.priors.enabled && !isBehindOthers(job.reason)) {
        for (const patientKey of new Set(volumes.map((volume) => volume.patientKey))) {
          await wantEarlierStudies(database, { patientKey, studyInstanceUid, now: run.now() });
        }
      }
      await keepSpeeds(database, run, speeds).catch((err: unknown) =>
        logger.warn({ err }, 'speed is not kept'),
      );
      metrics.studyEnded(decisions.some(isChosen) ? 'done' : 'skipped', volumes);
      logger.info({ studyInstanceUid: job.studyInstanceUid, results: volumes.length }, 'study processed');
    },
    ended,
    onFailure: (failure, again) => metrics.attemptFailed(failure, again),
  });
}
