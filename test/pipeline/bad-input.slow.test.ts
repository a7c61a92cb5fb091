import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PansegnetNode } from '../../src/compose.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { describeArchives } from '../support/archives.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';
import { startTestNode, type TestNode } from '../support/test-node.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';
import { isWhole } from '../support/whole.ts';

const GOOD = '2.25.900.1';

describeArchives(
  'a node and bad input',
  (archive) => {
    let folder: string;
    let testNode: TestNode;
    let node: PansegnetNode;
    let client: DicomWebClient;

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'bad-input-'));
      const networks = { 'fold_0.onnx': signNetwork(SIGN_MODEL.patchSize) };
      await writeModel(folder, SIGN_MODEL, networks);
      const models = { folder, CT: 'sign', T1W: 'not-there', T2W: null };
      testNode = await startTestNode(archive.url, {
        models,
        selection: { rules: null, siteRules: SMALL_SERIES_RULES },
      });
      node = testNode.node();
      client = new DicomWebClient({ url: archive.url });
    });
    afterAll(async () => {
      await testNode?.stop();
      await rm(folder, { recursive: true });
    });

    const process = async (...studies: string[]) => {
      const ended = Promise.all(studies.map((study) => node.studyEnded(study)));
      await node.watcher.poll();
      await node.watcher.poll();
      await ended;
      return Promise.all(studies.map((study) => node.studyDetails(study)));
    };
    const seriesCount = async (study: string) => (await client.searchSeries(study)).length;

    it('records a study without a suitable series as skipped, with the reasons, and never queues it again', async () => {
      const study = '2.25.900.2';
      await client.storeVerified(study, smallCtSeries(study, { SeriesDescription: 'lung', Modality: 'CT' }));
      const [details] = await process(study);
      expect(details?.study.state).toBe('skipped');
      expect(details?.decisions).toMatchObject([{ chosen: false, reason: expect.stringMatching(/./) }]);
      expect((await node.watcher.poll()).queued).toEqual([]);
      expect(await seriesCount(study)).toBe(1);
    });

    it('fails a study with a missing slice, names the gap, stores nothing, and goes on with others', async () => {
      const study = '2.25.900.3';
      await client.storeVerified(study, smallCtSeries(study).toSpliced(5, 1));
      await client.storeVerified(GOOD, smallCtSeries(GOOD));
      const [bad, good] = await process(study, GOOD);
      expect(bad?.study).toMatchObject({ state: 'failed', errorCode: 'DICOM_GEOMETRY' });
      expect(bad?.study.reason).toMatch(/gap|missing|uneven/i);
      expect(await seriesCount(study)).toBe(1);
      expect(good?.study.state, good?.study.reason).toBe('done');
      expect(await seriesCount(GOOD)).toBe(3);
    });

    it('names a model that is not there', async () => {
      const study = '2.25.900.4';
      const t1 = {
        Modality: 'MR',
        SeriesDescription: 't1 vibe fs',
        SOPClassUID: '1.2.840.10008.5.1.4.1.1.4',
      };
      await client.storeVerified(study, smallCtSeries(study, t1));
      const [details] = await process(study);
      expect(details?.study).toMatchObject({ state: 'failed', errorCode: 'MODEL_MISSING' });
      expect(details?.study.reason).toContain('not-there');
    });

    it('says that the archive is down, and goes on when it is back', async () => {
      await archive.halt();
      await expect(node.watcher.poll()).rejects.toMatchObject({ code: 'DICOM_WEB_UNREACHABLE' });
      const down = await fetch(`${node.url}/readyz`);
      expect(down.status).toBe(503);
      expect(await down.json()).toMatchObject({ parts: { archive: false } });
      await archive.resume();
      // One of the models is not there, so the node as a whole is not ready.
      const back = await fetch(`${node.url}/readyz`);
      expect(await back.json()).toMatchObject({ parts: { archive: true } });
      const study = '2.25.900.5';
      await client.storeVerified(study, smallCtSeries(study));
      const [details] = await process(study);
      expect(details?.study.state, details?.study.reason).toBe('done');
    });

    it('starts while the archive is down', async () => {
      await archive.halt();
      await testNode.restart();
      node = testNode.node();
      expect((await fetch(`${node.url}/healthz`)).status).toBe(200);
      await archive.resume();
      expect((await node.watcher.poll()).queued).toEqual([]);
    });

    it('refuses a model whose network was changed', async () => {
      await writeFile(path.join(folder, 'sign', 'fold_0.onnx'), signNetwork([8, 8, 8]));
      await testNode.restart();
      node = testNode.node();
      const study = '2.25.900.6';
      await client.storeVerified(study, smallCtSeries(study));
      const [details] = await process(study);
      expect(details?.study).toMatchObject({ state: 'failed', errorCode: 'MODEL_CHANGED' });
    });
  },
  { embedded: isWhole },
);
