/** The stages of a run, in order. */
const STAGES = [
  'list series',
  'select',
  'retrieve',
  'volume',
  'segment',
  'measure',
  'results',
  'store',
  'verify',
  'record',
  'corrections',
] as const;
export type Stage = (typeof STAGES)[number];

interface ProgressEvent {
  readonly stage: Stage;
  /** What is worked on, in words a person knows: a series description. Never a patient's name. */
  readonly subject: string;
  /** How much of the stage is done, where it takes long enough to tell. */
  readonly done?: number;
  readonly total?: number;
}
export type ProgressListener = (event: ProgressEvent) => void;

/** A stage that has ended, however it ended. */
export interface StageEnd {
  readonly stage: Stage;
  /** What the series was taken for; `STUDY` for stages that concern the whole study. */
  readonly class: string;
  readonly seconds: number;
}
export type StageEndListener = (end: StageEnd) => void;

/** Runs one stage and gives what it gives; `progress` tells how much of it is done. */
export type RunStage = <T>(
  stage: Stage,
  work: (progress: (done: number, total: number) => void) => T | Promise<T>,
) => Promise<T>;

/** The class of stages that concern a whole study. */
const WHOLE_STUDY = 'STUDY';

/** Tells listeners of each stage, and keeps the seconds that each took. */
export class StageClock {
  readonly seconds: Partial<Record<Stage, number>> = {};
  readonly #listener: ProgressListener | undefined;
  readonly #onEnd: StageEndListener | undefined;

  constructor(listener?: ProgressListener, onEnd?: StageEndListener) {
    this.#listener = listener;
    this.#onEnd = onEnd;
  }

  /** Stages that work on one thing. */
  about(subject: string, seriesClass: string = WHOLE_STUDY): RunStage {
    return async (stage, work) => {
      const started = performance.now();
      this.#listener?.({ stage, subject });
      try {
        return await work((done, total) => this.#listener?.({ stage, subject, done, total }));
      } finally {
        const seconds = (performance.now() - started) / 1000;
        this.seconds[stage] = (this.seconds[stage] ?? 0) + seconds;
        this.#onEnd?.({ stage, class: seriesClass, seconds });
      }
    };
  }
}
