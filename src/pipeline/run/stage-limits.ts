import { PipelineError } from '../pipeline-error.ts';
import type { Stage } from './stage-names.ts';

const LIMITED = ['retrieve', 'segment', 'store'] as const;

/** How long one stage of one series may take, in minutes; each limit is for the stages of one kind. */
export type StageLimits = Readonly<Record<(typeof LIMITED)[number], number>>;

/**
 * Which limit each stage has: what the archive is asked for, what is computed here, what is stored and
 * proven.
 */
const LIMIT_OF: Readonly<Record<Stage, keyof StageLimits>> = {
  'list series': 'retrieve',
  select: 'segment',
  retrieve: 'retrieve',
  volume: 'segment',
  segment: 'segment',
  measure: 'segment',
  results: 'segment',
  store: 'store',
  verify: 'store',
  record: 'store',
  corrections: 'store',
};

const MS_PER_MINUTE = 60_000;

/**
 * Runs a stage under its limit. Work that does not stop at its signal is left behind: no stage hangs.
 * @throws PipelineError STAGE_TIMEOUT naming the stage and the limit
 */
export async function withinLimit<T>(
  stage: Stage,
  limits: StageLimits | undefined,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal | undefined) => T | Promise<T>,
): Promise<T> {
  if (!limits) return work(signal);
  const key = LIMIT_OF[stage];
  const { promise: cutOff, reject } = Promise.withResolvers<never>();
  const expiry = new AbortController();
  const timer = setTimeout(() => {
    const limit = `queue.stageTimeoutMinutes.${key}: ${limits[key]}`;
    const error = new PipelineError('STAGE_TIMEOUT', `the stage "${stage}" was cut off (${limit})`);
    // First: work that stops at its signal without an error must not pass for done.
    reject(error);
    expiry.abort(error);
  }, limits[key] * MS_PER_MINUTE);
  try {
    const both = AbortSignal.any([expiry.signal, ...(signal ? [signal] : [])]);
    return await Promise.race([work(both), cutOff]);
  } finally {
    clearTimeout(timer);
  }
}
