import { type LimitedStage, type StageLimits, withinLimit } from './stage-limits.ts';
import type { Stage } from './stage-names.ts';

interface ProgressEvent {
  readonly stage: Stage;
  /** What is worked on, in words a person knows: a series description. Never a patient's name. */
  readonly subject: string;
  /** How much of the stage is done, where it takes long enough to tell. */
  readonly done?: number;
  readonly total?: number;
  /** What the rest will take, going by what the part that is done took; undefined before anything is done. */
  readonly secondsLeft?: number;
}
export type ProgressListener = (event: ProgressEvent) => void;

/** A stage that has ended, however it ended. */
export interface StageEnd {
  readonly stage: Stage;
  /** What the series was taken for; `STUDY` for stages that concern the whole study. */
  readonly class: string;
  readonly seconds: number;
  /** Where the stage told of its progress: what each step took on average; of `segment`, a window. */
  readonly secondsPerStep?: number;
}
export type StageEndListener = (end: StageEnd) => void;

/**
 * Runs one stage and gives what it gives; `progress` tells how much of it is done, `signal` when it has to
 * stop.
 */
export type RunStage = <T>(
  stage: Stage,
  work: (progress: (done: number, total: number) => void, signal: AbortSignal | undefined) => T | Promise<T>,
) => Promise<T>;

/** Who is told of the stages, and what ends them early. */
export interface StageClockOptions {
  readonly onProgress?: ProgressListener | undefined;
  readonly onEnd?: StageEndListener | undefined;
  readonly limits?: StageLimits | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The class of stages that concern a whole study. */
const WHOLE_STUDY = 'STUDY';

/** Tells listeners of each stage, and keeps the seconds that each took. */
export class StageClock {
  readonly seconds: Partial<Record<Stage, number>> = {};
  readonly #options: StageClockOptions;

  constructor(options: StageClockOptions) {
    this.#options = options;
  }

  /** Stages that work on one thing. */
  about(subject: string, seriesClass: string = WHOLE_STUDY): RunStage {
    const { onProgress, onEnd, limits, signal } = this.#options;
    return async (stage, work) => {
      const started = performance.now();
      let begun: number | undefined;
      let steps: { readonly secondsPerStep: number } | undefined;
      const progressOf = (expect: LimitedStage['expect']) => (done: number, total: number) => {
        const now = performance.now();
        begun ??= now;
        if (done > 0) steps = { secondsPerStep: (now - begun) / 1000 / done };
        const secondsLeft = steps && steps.secondsPerStep * (total - done);
        onProgress?.({ stage, subject, done, total, ...(secondsLeft === undefined ? {} : { secondsLeft }) });
        if (secondsLeft !== undefined) expect(secondsLeft);
      };
      onProgress?.({ stage, subject });
      try {
        return await withinLimit(stage, limits, signal, ({ signal: both, expect }) =>
          work(progressOf(expect), both),
        );
      } finally {
        const seconds = (performance.now() - started) / 1000;
        this.seconds[stage] = (this.seconds[stage] ?? 0) + seconds;
        onEnd?.({ stage, class: seriesClass, seconds, ...steps });
      }
    };
  }
}
