import type { KillRunResult } from './kill-run.ts';

/** How many studies there are of each kind; each is counted once in each. */
interface Balance {
  readonly states: Readonly<Record<string, number>>;
  /** Jobs that are not over. */
  readonly jobs: number;
  /** Studies by how many SEGs and reports the archive holds of them: `1 SEG, 1 SR`. */
  readonly stored: Readonly<Record<string, number>>;
  readonly rowsOfHistory: number;
  /** Rows of the history that name the SEG and the report that the archive holds. */
  readonly rowsThatAgree: number;
}

/** What there is after a run, in a form that says at a glance what is double or missing. */
export function balanceOf({ segmentations, reports, history, states, jobs }: KillRunResult): Balance {
  const stored: Record<string, number> = {};
  for (const study of new Set([...segmentations.keys(), ...reports.keys()])) {
    const count = `${segmentations.get(study)?.length ?? 0} SEG, ${reports.get(study)?.length ?? 0} SR`;
    stored[count] = (stored[count] ?? 0) + 1;
  }
  const agreeing = history.filter(
    ({ studyInstanceUid, seg, report }) =>
      segmentations.get(studyInstanceUid)?.join() === seg?.sopInstanceUid &&
      reports.get(studyInstanceUid)?.join() === report.sopInstanceUid,
  );
  const rowsThatAgree = new Set(agreeing.map(({ studyInstanceUid }) => studyInstanceUid)).size;
  return { states, jobs, stored, rowsOfHistory: history.length, rowsThatAgree };
}

/** One SEG, one report and one row of history for each study; none double, none missing. */
export const exactlyOnce = (studies: number): Balance => ({
  states: { done: studies },
  jobs: 0,
  stored: { '1 SEG, 1 SR': studies },
  rowsOfHistory: studies,
  rowsThatAgree: studies,
});
