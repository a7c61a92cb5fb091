import { afterAll, beforeAll, expect, it } from 'vitest';
import { FAULTS, firstRequests } from '../support/fault-proxy.ts';
import {
  COMPLETE,
  INCIDENTS,
  isLasting,
  REASONS,
  reasonOf,
  sampleIncidents,
  words,
} from '../support/faults-and-reasons.ts';
import { type FaultyArchive, startFaultyArchive } from '../support/faulty-archive.ts';
import { describeWith } from '../support/requires.ts';

describeWith(['Orthanc'], 'studies whose archive fails', () => {
  let archive: FaultyArchive;
  beforeAll(async () => {
    archive = await startFaultyArchive({ retries: 3 });
  });
  afterAll(() => archive?.stop());

  it('are found by a later poll where one fails', async () => {
    const study = await archive.newStudy();
    const node = archive.node.node();
    const ended = node.studyEnded(study);
    for (const { fault } of INCIDENTS.filter(({ operation }) => operation === 'series')) {
      archive.plan = firstRequests(fault, ({ operation }) => operation === 'studies');
      const polled: unknown = await node.watcher.poll().catch((error: unknown) => error);
      // A short pause that the archive asks for is waited for.
      expect(polled, fault).toMatchObject(
        fault === 'status429' ? { errors: [] } : { code: REASONS[fault][0] },
      );
      await archive.proxy.accept();
    }
    archive.plan = () => undefined;
    await node.watcher.poll();
    await node.watcher.poll();
    await ended;
    expect((await node.studyDetails(study))?.study.state).toBe('done');
  });

  // `npm run test:faults` has every fault at every operation.
  it('end done where it works again, with one SEG and one SR each', async () => {
    const sample = sampleIncidents(INCIDENTS, 0);
    // Refused connections meet whatever runs meanwhile, which then may never come to its own fault: alone,
    // and last.
    sample.sort((a, b) => Number(a.fault === 'refused') - Number(b.fault === 'refused'));
    expect(new Set(sample.map(({ fault }) => fault))).toEqual(new Set(FAULTS));
    const troubles = sample.map((incident) => [{ ...incident, times: 1 }]);
    const ends = [
      ...(await archive.ends(troubles.slice(0, -1))),
      ...(await archive.ends(troubles.slice(-1))),
    ];
    for (const [index, end] of ends.entries()) {
      const what = words(sample[index], end);
      expect(end.met, what).toBe(1);
      expect(end.details?.study.state, what).toBe('done');
      expect(end.stored, what).toEqual(COMPLETE);
      expect(end.details?.volumes, what).toHaveLength(1);
    }
  });

  it('are given up with the reason where it never works again', async () => {
    // Refused connections meet the other studies too: the next test has those.
    const lasting = INCIDENTS.filter((incident) => isLasting(incident) && incident.fault !== 'refused');
    const sample = sampleIncidents(lasting, 1);
    const ends = await archive.ends(
      sample.map((incident) => [{ ...incident, times: Number.POSITIVE_INFINITY }]),
    );
    for (const [index, end] of ends.entries()) {
      const incident = sample[index];
      if (!incident) continue;
      const what = words(incident, end);
      const [code, reason] = reasonOf(incident);
      expect(end.details?.study.state, what).toBe('failed');
      expect(end.dead, what).toMatchObject({ code, reason: expect.stringMatching(reason) });
    }
  });

  it('are given up while it takes no connection, and done when it does and they are asked for again', async () => {
    const study = await archive.newStudy();
    archive.proxy.refuse();
    const { dead } = await archive.end(study);
    expect(dead).toMatchObject({
      code: 'DICOM_WEB_UNREACHABLE',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
    await archive.proxy.accept();
    expect(await archive.end(study)).toMatchObject({ dead: undefined, stored: COMPLETE });
  });
});
