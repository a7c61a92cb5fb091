import { z } from 'zod';
import { MODES } from '../inference-mode.ts';

/**
 * Why a study is in the queue. restated: what is known of its patient has changed, and its results are to say
 * so. ordered: a workitem asks for it; the same counts that are watched and ordered are one run. earlier: it
 * is of the years before the node came. remeasured: another model is to measure what was measured.
 */
const STUDY_REASONS = [
  'watched',
  'received',
  'notified',
  'requested',
  'restated',
  'ordered',
  'earlier',
  'remeasured',
] as const;

/** They wait in a queue of their own, behind everything else. */
export const isBehindOthers = (reason: StudyJob['reason']): boolean =>
  reason === 'earlier' || reason === 'remeasured';

/**
 * What goes first: what a person asked for, then what has just arrived, then what the archive held before.
 */
const PRIORITIES = { requested: 20, arrived: 10, backlog: 0 } as const;
type Urgency = keyof typeof PRIORITIES;

/** The request id of every arrival: the same counts that arrive by two ways are one run. */
export const ARRIVAL = 'arrival';
/** The request id of an earlier study whose results stay in the history: no look takes it for dealt with. */
export const EARLIER = 'earlier';

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
  /** Where something is measured again: by which model, and how. */
  measureWith: z.object({ model: z.string(), mode: z.enum(MODES), sha256: z.string().optional() }).optional(),
});
export type StudyJob = z.infer<typeof studyJobSchema>;

export type StudyRequest = Pick<StudyJob, 'studyInstanceUid' | 'reason' | 'measureWith'> & {
  /** Default: `requested` where a person asked or ordered, else `arrived`. */
  readonly urgency?: Urgency;
  /** DA, where the newest studies go first: of those that wait behind the others. */
  readonly studyDate?: string | undefined;
};

export const priorityOf = ({ reason, urgency, studyDate }: StudyRequest): number =>
  isBehindOthers(reason)
    ? daysSince1900(studyDate)
    : PRIORITIES[urgency ?? (reason === 'requested' || reason === 'ordered' ? 'requested' : 'arrived')];

const MS_PER_DAY = 86_400_000;

/** 0 for what is no date. */
function daysSince1900(date = ''): number {
  const time = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3'));
  return Number.isNaN(time) ? 0 : Math.max(0, Math.floor((time - Date.UTC(1900, 0, 1)) / MS_PER_DAY));
}

/** What tells a job from others that wait in its queue: per study one, or one per study, model and mode. */
export const keyOf = ({ studyInstanceUid, measureWith }: StudyJob): string =>
  measureWith ? [studyInstanceUid, measureWith.mode, measureWith.model].join(' ') : studyInstanceUid;
