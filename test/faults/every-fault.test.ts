import { afterAll, beforeAll, expect, it } from 'vitest';
import { COMPLETE, INCIDENTS, isLasting, reasonOf, words } from '../support/faults-and-reasons.ts';
import {
  type FaultyArchive,
  type StudyEnd,
  startFaultyArchive,
  type Trouble,
} from '../support/faulty-archive.ts';
import { describeWith } from '../support/requires.ts';

const RANDOM_STUDIES = Number(process.env['FAULT_STUDIES'] ?? 120);
const MOST_TROUBLES = 4;
const MOST_TIMES = 3;
/** Another one gives other troubles. */
const SEED = Number(process.env['FAULT_SEED'] ?? 1);

/** Numbers from 0 to below `limit`, the same ones for the same seed. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
}

describeWith(['Orthanc'], 'an archive that fails in every way', () => {
  let archive: FaultyArchive;
  beforeAll(async () => {
    // Refused connections meet studies that are worked on at the same time too, so each fails more often than
    // its share.
    archive = await startFaultyArchive({ retries: 12 });
  });
  afterAll(() => archive?.stop());

  it('delays each study, whichever request meets the fault, and no study has results twice', async () => {
    // Refused connections meet whatever runs meanwhile, which then may never come to its own fault.
    const ends: StudyEnd[] = [];
    const ordered = INCIDENTS.toSorted(
      (a, b) => Number(a.fault === 'refused') - Number(b.fault === 'refused'),
    );
    for (const isRefused of [false, true]) {
      const batch = ordered.filter(({ fault }) => (fault === 'refused') === isRefused);
      ends.push(...(await archive.ends(batch.map((incident) => [{ ...incident, times: 1 }]))));
    }
    for (const [index, end] of ends.entries()) {
      const what = words(ordered[index], end);
      expect(ordered[index]?.fault === 'refused' || end.met === 1, what).toBe(true);
      expect(end.details?.study.state, what).toBe('done');
      expect(end.stored, what).toEqual(COMPLETE);
    }
  });

  it('leaves each study done or given up, and what is there whole, whatever happens together', async () => {
    const random = randomNumbers(SEED);
    const troubles = Array.from({ length: RANDOM_STUDIES }, () =>
      Array.from({ length: 1 + random(MOST_TROUBLES) }, (): Trouble[] => {
        const incident = INCIDENTS[random(INCIDENTS.length)];
        return incident ? [{ ...incident, times: 1 + random(MOST_TIMES) }] : [];
      }).flat(),
    );
    const ends = await archive.ends(troubles);
    const states: Record<string, number> = {};
    for (const [index, end] of ends.entries()) {
      const what = `${JSON.stringify(troubles[index])}: ${words(undefined, end)}`;
      const state = end.details?.study.state ?? 'unknown';
      states[state] = (states[state] ?? 0) + 1;
      expect(['done', 'failed'], what).toContain(state);
      expect(end.stored['SEG'] ?? 0, what).toBeLessThan(2);
      expect(end.stored['SR'] ?? 0, what).toBeLessThan(2);
      expect(state === 'done' ? end.stored : COMPLETE, what).toEqual(COMPLETE);
      expect(state === 'done' ? 'DICOM_WEB_' : end.dead?.code, what).toMatch(/^DICOM_(WEB|STORE)_/);
    }
    console.info(states);
    expect(states['done']).toBeGreaterThan(0);
  });
});

describeWith(['Orthanc'], 'an archive that never works again', () => {
  let archive: FaultyArchive;
  beforeAll(async () => {
    archive = await startFaultyArchive({ retries: 1 });
  });
  afterAll(() => archive?.stop());

  it('is the reason of each study that is given up', async () => {
    const lasting = INCIDENTS.filter((incident) => isLasting(incident) && incident.fault !== 'refused');
    const ends = await archive.ends(lasting.map((one) => [{ ...one, times: Number.POSITIVE_INFINITY }]));
    for (const [index, incident] of lasting.entries()) {
      const end = ends[index];
      if (!end) throw new Error('a study has no end');
      const [code, reason] = reasonOf(incident);
      const what = words(incident, end);
      expect(end.dead, what).toMatchObject({ code, reason: expect.stringMatching(reason) });
    }
  });
});
