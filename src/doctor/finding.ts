/**
 * `warning`: the node runs, though not as well or as safely as it should. `problem`: it cannot do its work.
 */
export type Verdict = 'ok' | 'warning' | 'problem';

/** What one check found, in words for an administrator. */
export interface Finding {
  /** What was looked at: `archive`, `disk of the database`. */
  readonly check: string;
  readonly verdict: Verdict;
  /** The state of it, or what is wrong. */
  readonly what: string;
  /** Why it matters; of warnings and problems. */
  readonly why?: string;
  /** What to do; of warnings and problems. */
  readonly todo?: string;
}

export const ok = (check: string, what: string): Finding => ({ check, verdict: 'ok', what });

/** Something that is not as it should be. */
export const trouble = (
  check: string,
  verdict: Exclude<Verdict, 'ok'>,
  what: string,
  why: string,
  todo: string,
): Finding => ({ check, verdict, what, why, todo });
