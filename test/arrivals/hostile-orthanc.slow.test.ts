import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { hostileFile, hostileInstances } from '../support/hostile-instances.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { describeWith } from '../support/requires.ts';
import { writeSmallModels } from '../support/small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';
import { startTestNode, type TestNode } from '../support/test-node.ts';

/** As an attacker would send them; `npm run bench -- doors` has the large ones, too. */
const BOMBS = hostileInstances(0.2).filter(({ name }) => /^deflated|^plain empty items|^lists/.test(name));

/** What others have stored in the archive that a node watches: Orthanc takes most of it without a word. */
describeWith(['Orthanc'], 'a node that watches an Orthanc in which strangers store', () => {
  let folder: string;
  let orthanc: OrthancServer;
  let node: TestNode;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'hostile-orthanc-'));
    orthanc = await startOrthanc();
    node = await startTestNode(orthanc.url, {
      archive: { kind: 'orthanc', url: orthanc.url },
      models: await writeSmallModels(folder),
      inference: { threads: 1 },
      selection: { siteRules: SMALL_SERIES_RULES },
      watch: { schedule: '* * * * * *', lookBack: 0, stableForSeconds: 0 },
    });
  });
  afterAll(async () => {
    await node?.stop();
    await orthanc?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('gives each of their studies up with a word on it, and does the others meanwhile', async () => {
    const running = node.node();
    const stored: string[] = [];
    for (const [index, bomb] of BOMBS.entries()) {
      const study = `1.2.81.${index + 1}`;
      const body = Buffer.from(hostileFile(bomb, `${study}.1.1`, study));
      const answer = await fetch(`${orthanc.restUrl}/instances`, { method: 'POST', body });
      if (answer.ok) stored.push(study);
    }
    expect(stored.length).toBeGreaterThan(1);
    const ordinary = '1.2.82.1';
    const ends = [...stored, ordinary].map((study) => running.studyEnded(study));
    await new DicomWebClient({ url: orthanc.url }).store(undefined, smallCtSeries(ordinary));
    const asked = setInterval(() => void health.push(fetch(`${running.url}/healthz`)), 100);
    const health: Promise<Response>[] = [];
    await Promise.all(ends);
    clearInterval(asked);
    expect((await Promise.all(health)).every(({ ok }) => ok)).toBe(true);
    expect((await running.studyDetails(ordinary))?.study.state).toBe('done');
    for (const study of stored) {
      const end = (await running.studyDetails(study))?.study;
      expect(end?.state, `${study}: ${end?.reason}`).toMatch(/^(failed|skipped)$/);
      expect(end?.reason, study).toBeTruthy();
    }
  });
});
