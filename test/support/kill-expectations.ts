import { expect } from 'vitest';
import type { KillRunResult } from './kill-run.ts';

/** One SEG, one report and one row of history for each study; none double, none missing, and all of them each other's. */
export function expectExactlyOnce(result: KillRunResult, studies: number): void {
  const { segmentations, reports, history, states, jobs } = result;
  expect(states).toEqual({ done: studies });
  expect(jobs).toBe(0);
  expect([...segmentations.values()].map((uids) => uids.length)).toEqual(Array(studies).fill(1));
  expect([...reports.values()].map((uids) => uids.length)).toEqual(Array(studies).fill(1));
  expect(history).toHaveLength(studies);
  const named = history.map(({ studyInstanceUid, seg, report }) => [
    studyInstanceUid,
    [seg?.sopInstanceUid],
    [report.sopInstanceUid],
  ]);
  const stored = [...segmentations].map(([study, uids]) => [study, uids, reports.get(study)]);
  expect(named.sort()).toEqual(stored.sort());
}
