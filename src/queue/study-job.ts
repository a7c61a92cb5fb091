import { z } from 'zod';

/**
 * Why a study is in the queue. restated: what is known of its patient has changed, and its results are to say
 * so. ordered: a workitem asks for it; the same counts that are watched and ordered are one run.
 */
const STUDY_REASONS = ['watched', 'received', 'notified', 'requested', 'restated', 'ordered'] as const;

/**
 * What goes first: what a person asked for, then what has just arrived, then what the archive held before.
 */
const PRIORITIES = { requested: 20, arrived: 10, backlog: 0 } as const;
type Urgency = keyof typeof PRIORITIES;

/** The request id of every arrival: the same counts that arrive by two ways are one run. */
export const ARRIVAL = 'arrival';

export const studyJobSchema = z.object({
  studyInstanceUid: z.string().min(1),
  reason: z.enum(STUDY_REASONS),
  /**
   * Tells a wish to process a study again from the study's arrival: see `beginRun`. Kept over restarts and
   * retries.
   */
  requestId: z.string(),
  /** How often a process died with this job in its hands. */
  takeovers: z.int().nonnegative(),
});
export type StudyJob = z.infer<typeof studyJobSchema>;

export type StudyRequest = Pick<StudyJob, 'studyInstanceUid' | 'reason'> & {
  /** Default: `requested` where a person asked or ordered, else `arrived`. */
  readonly urgency?: Urgency;
};

export const priorityOf = ({ reason, urgency }: StudyRequest): number =>
  PRIORITIES[urgency ?? (reason === 'requested' || reason === 'ordered' ? 'requested' : 'arrived')];
