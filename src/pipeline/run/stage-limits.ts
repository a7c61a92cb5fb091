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
 * An estimate counts when so much of the limit's time is behind it, and it is so far beyond the limit: what a
 * search for the organ has before it is known as an upper bound only.
 */
const ESTIMATE_FROM = 0.5;
const CLEARLY_BEYOND = 2;

/** What a stage is told and asked while it is under its limit. */
export interface LimitedStage {
  readonly signal: AbortSignal | undefined;
  /** How long it will take yet, as measured; where that is clearly too long, it is ended now. */
  readonly expect: (secondsLeft: number) => void;
}

/**
 * Runs a stage under its limit. Work that does not stop at its signal is left behind: no stage hangs.
 * @throws PipelineError naming the stage and the limit: STAGE_TIMEOUT, or STAGE_TOO_SLOW for what computes
 *   here
 */
export async function withinLimit<T>(
  stage: Stage,
  limits: StageLimits | undefined,
  signal: AbortSignal | undefined,
  work: (parts: LimitedStage) => T | Promise<T>,
): Promise<T> {
  if (!limits) return work({ signal, expect: () => undefined });
  const key = LIMIT_OF[stage];
  const limitMs = limits[key] * MS_PER_MINUTE;
  const limit = `queue.stageTimeoutMinutes.${key}: ${limits[key]}`;
  const { promise: cutOff, reject } = Promise.withResolvers<never>();
  const expiry = new AbortController();
  const end = (message: string) => {
    const code = key === 'segment' ? 'STAGE_TOO_SLOW' : 'STAGE_TIMEOUT';
    const error = new PipelineError(code, message);
    // First: work that stops at its signal without an error must not pass for done.
    reject(error);
    expiry.abort(error);
  };
  const started = performance.now();
  const timer = setTimeout(() => end(`the stage "${stage}" was cut off (${limit})`), limitMs);
  const expect = (secondsLeft: number) => {
    const spent = performance.now() - started;
    const whole = spent + secondsLeft * 1000;
    if (spent < ESTIMATE_FROM * limitMs || whole < CLEARLY_BEYOND * limitMs) return;
    end(
      `the stage "${stage}" would take ${Math.ceil(whole / MS_PER_MINUTE)} minutes here (${limit}): ` +
        'raise the limit, choose a faster inference.mode, or give it more cores',
    );
  };
  try {
    const both = AbortSignal.any([expiry.signal, ...(signal ? [signal] : [])]);
    return await Promise.race([work({ signal: both, expect }), cutOff]);
  } finally {
    clearTimeout(timer);
  }
}
