import { setTimeout as delay } from 'node:timers/promises';
import type { JobEngine } from '../../queue/job-engine.ts';
import { setExits } from '../../store/exchange/outgoing.ts';
import { type Deliver, deliverDue, type ExitParts } from './deliver.ts';
import { ExitJobs, type Pauses } from './exit-jobs.ts';

export interface ExitsParts extends Omit<ExitParts, 'database' | 'jobs' | 'deliver'> {
  readonly engine: JobEngine;
  /** By name, which stays when the address changes. */
  readonly exits: Readonly<Record<string, Deliver>>;
  readonly pauses: Pauses;
}

const POLL_MS = 2_000;

/** The exits from now on: each goes its own way, so that one that is down holds up no other. */
export async function openExits(parts: ExitsParts): Promise<readonly ExitParts[]> {
  const { engine, exits, pauses, ...others } = parts;
  const { database } = engine;
  await setExits(database, Object.keys(exits));
  const opened: ExitParts[] = [];
  for (const [exit, deliver] of Object.entries(exits)) {
    const jobs = await ExitJobs.open(engine, exit, pauses);
    opened.push({ ...others, database, jobs, deliver });
  }
  return opened;
}

/** Sends results out until it is stopped. What is in the midst of being sent then is sent again later. */
export function startExits(exits: readonly ExitParts[]): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const work = async (exit: ExitParts): Promise<void> => {
    while (!signal.aborted) {
      await deliverDue(exit, signal).catch((err: unknown) => exit.warn({ err }, 'results wait to be sent'));
      await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const working = exits.map(work);
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(working);
    },
  };
}
