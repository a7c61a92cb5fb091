import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../coded-error.ts';
import { dueEarlierSearch, postponeEarlierSearch } from '../../store/arrivals/earlier-searches.ts';
import { growingPauseMs } from '../growing-pause.ts';
import { wantedPauseMs } from './look-turn.ts';
import { type EarlierParts, searchEarlier } from './search-earlier.ts';

/** How often is asked whether a patient has become known: one short question to the database. */
const RECHECK_MS = 5_000;
/** Pause before the archive is asked again for a patient; it doubles each time. */
const PAUSES = { firstMs: 30_000, longestMs: 6 * 3_600_000 };

export interface EarlierSearchesParts extends EarlierParts {
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

/**
 * Asks for the earlier studies of one patient, where a search is due.
 * @returns whether one was
 */
async function searchNextEarlier(parts: EarlierSearchesParts, signal?: AbortSignal): Promise<boolean> {
  const { database, now, log } = parts;
  const search = await dueEarlierSearch(database, now());
  if (!search) return false;
  const { patientKey: patient, studyInstanceUid } = search;
  try {
    const { taken, leftOut } = await searchEarlier(parts, search, signal);
    log.info({ patient, studies: taken.length, leftOut: leftOut.length }, 'earlier studies were asked for');
    for (const one of leftOut) log.warn({ patient, ...one }, 'an earlier study is left out');
  } catch (error) {
    signal?.throwIfAborted();
    const pauseMs = Math.max(wantedPauseMs(error), growingPauseMs(search.failures + 1, PAUSES));
    await postponeEarlierSearch(database, search, new Date(now().getTime() + pauseMs));
    log.warn({ studyInstanceUid, reason: messageOf(error) }, 'earlier studies cannot be asked for');
  }
  return true;
}

/** Asks the archive for the earlier studies of each patient who becomes known, one patient at a time. */
export function startEarlierSearches(parts: EarlierSearchesParts): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const work = async (): Promise<void> => {
    while (!signal.aborted) {
      const wasDue = await searchNextEarlier(parts, signal).catch((error: unknown) => {
        if (!signal.aborted)
          parts.log.warn({ reason: messageOf(error) }, 'earlier studies cannot be asked for');
        return false;
      });
      if (!wasDue) await delay(RECHECK_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const working = work();
  return {
    stop: async () => {
      stopping.abort();
      await working;
    },
  };
}
