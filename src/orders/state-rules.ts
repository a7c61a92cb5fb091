import type { WorkitemState } from '../store/orders/workitems.ts';

/** What somebody wants of a workitem. */
export type Wish = Exclude<WorkitemState, 'SCHEDULED'> | 'update';

/** With which key: that of the performer, another one, or none. */
type Key = 'right' | 'wrong' | 'none';

/**
 * done: it is made. already: there is nothing to do, which is said as a warning. conflict: it does not go
 * with the state of the workitem. badKey: the Transaction UID is missing or not the performer's.
 */
export type Verdict = 'done' | 'already' | 'conflict' | 'badKey';

/** Rules of PS3.4 CC.2.1.3 (change of state) and CC.2.6.3 (update), by what the state is now. */
const RULES: Readonly<Record<WorkitemState, Readonly<Record<Wish, Verdict | 'key'>>>> = {
  SCHEDULED: { 'IN PROGRESS': 'done', COMPLETED: 'conflict', CANCELED: 'conflict', update: 'done' },
  'IN PROGRESS': { 'IN PROGRESS': 'conflict', COMPLETED: 'key', CANCELED: 'key', update: 'key' },
  COMPLETED: { 'IN PROGRESS': 'conflict', COMPLETED: 'already', CANCELED: 'conflict', update: 'conflict' },
  CANCELED: { 'IN PROGRESS': 'conflict', COMPLETED: 'conflict', CANCELED: 'already', update: 'conflict' },
};

export function verdictOn(state: WorkitemState, wish: Wish, key: Key): Verdict {
  // Every change of a state names a key, the first one chooses it; a scheduled workitem has none to be named.
  if (wish !== 'update' && key === 'none') return 'badKey';
  if (state === 'SCHEDULED' && wish === 'update' && key !== 'none') return 'conflict';
  const rule = RULES[state][wish];
  if (rule !== 'key') return rule;
  return key === 'right' ? 'done' : 'badKey';
}

/** Whether a workitem says all that it has to before it is COMPLETED (PS3.4 table CC.2.5-3, final state). */
export function isFinished(performed: Readonly<Record<string, unknown>> | undefined): boolean {
  return FINAL.every((keyword) => {
    const value = performed?.[keyword];
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== '';
  });
}

const FINAL = [
  'PerformedStationNameCodeSequence',
  'PerformedWorkitemCodeSequence',
  'PerformedProcedureStepStartDateTime',
  'PerformedProcedureStepEndDateTime',
] as const;
