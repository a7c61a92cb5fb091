import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { type PansegnetNode, startNode } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { requiredText, text } from '../../src/dicom/reading/dataset.ts';
import { readMeta } from '../../src/dicom/reading/part10.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { collect } from '../support/collect.ts';
import { freePort } from '../support/free-port.ts';
import { orderNodeConfig } from '../support/order-node.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { PATIENCE } from '../support/patience.ts';
import { describeWith } from '../support/requires.ts';
import { serve } from '../support/serve-process.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { storedResults } from '../support/stored-results.ts';
import { sendByCStore } from '../support/study-files.ts';

const RESULTS: readonly (string | undefined)[] = ['SEG', 'SR'];

describeWith(['Orthanc', 'storescu'], 'a node whose archive speaks DIMSE alone', () => {
  let orthanc: OrthancServer;
  let web: DicomWebClient;
  let folder: string;
  let ports: readonly [open: number, closed: number];
  let running: PansegnetNode | undefined;
  /** What a node stores of one study. */
  let objects = 0;

  beforeAll(async () => {
    ports = [await freePort(), await freePort()];
    folder = await mkdtemp(path.join(tmpdir(), 'dimse-node-'));
    orthanc = await startOrthanc({
      DicomModalities: { here: ['WORKER', '127.0.0.1', ports[0]], gone: ['GONE', '127.0.0.1', ports[1]] },
    });
    web = new DicomWebClient({ url: orthanc.url });
  });
  afterAll(async () => {
    await running?.stop();
    await orthanc?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const dimse = (retrieve: string, more: Readonly<Record<string, unknown>> = {}) => ({
    kind: 'dimse',
    dimse: {
      host: '127.0.0.1',
      port: orthanc.dicomPort,
      calledAeTitle: 'ORTHANC',
      aeTitle: 'WORKER',
      retrieve,
      listen: { host: '127.0.0.1', port: ports[0] },
      ...more,
    },
  });
  const configOf = async (archive: Readonly<Record<string, unknown>>, name = 'node') => {
    const whole = await orderNodeConfig(path.join(folder, name), orthanc.url, {}, { archive });
    return { ...whole, log: { level: 'info' }, site: { trackingSecret: 'the same for every node here' } };
  };
  const start = async (archive: Readonly<Record<string, unknown>>): Promise<PansegnetNode> => {
    await running?.stop();
    running = await startNode(loadConfig({ environment: {}, overrides: await configOf(archive) }));
    return running;
  };

  /** The node's results, as Orthanc gives them. */
  const resultFiles = async (study: string): Promise<Uint8Array[]> => {
    const files: Uint8Array[] = [];
    for (const series of await web.searchSeries(study)) {
      if (!RESULTS.includes(text(series, 'Modality'))) continue;
      const uid = requiredText(series, 'SeriesInstanceUID', 'a series');
      files.push(...(await collect(web.retrieveSeries(study, uid))));
    }
    return files;
  };
  /** Their data sets by SOP instance UID. */
  const keptResults = async (study: string): Promise<Map<string, Buffer>> => {
    const kept = (await resultFiles(study)).map((file) => {
      const { dataset, end } = readMeta(new Uint8Array(file), 'a result');
      const uid = requiredText(dataset, 'MediaStorageSOPInstanceUID', 'a result');
      return [uid, Buffer.from(file.subarray(end))] as const;
    });
    return new Map(kept.toSorted(([one], [other]) => (one < other ? -1 : 1)));
  };
  const removeResults = async (study: string): Promise<void> => {
    const query = { Level: 'Series', Query: { StudyInstanceUID: study }, Expand: true };
    const found = await fetch(`${orthanc.restUrl}/tools/find`, {
      method: 'POST',
      body: JSON.stringify(query),
    });
    for (const { ID, MainDicomTags } of (await found.json()) as {
      ID: string;
      MainDicomTags: { Modality: string };
    }[]) {
      if (RESULTS.includes(MainDicomTags.Modality))
        await fetch(`${orthanc.restUrl}/series/${ID}`, { method: 'DELETE' });
    }
  };
  const processed = async (node: PansegnetNode, study: string): Promise<void> => {
    const ended = node.studyEnded(study);
    const answer = await fetch(`${node.url}/api/studies/${study}/process`, { method: 'POST' });
    expect(answer.status).toBeLessThan(300);
    await ended;
    const details = await node.studyDetails(study);
    expect(details?.study.state, details?.study.reason).toBe('done');
  };
  const watched = async (node: PansegnetNode, study: string): Promise<void> => {
    const ended = node.studyEnded(study);
    // A study is complete at the second look; the node may have looked by itself meanwhile.
    await node.watcher.poll();
    await node.watcher.poll();
    await ended;
  };

  it('finds what arrives, and stores what a node beside a DICOMweb archive stores, byte for byte', async () => {
    const study = '1.2.826.0.1.22.1';
    const node = await start({ kind: 'dicomweb', url: orthanc.url });
    await sendByCStore(
      smallCtSeries(study, { PatientID: 'P-22', PatientName: 'Grün^Éva' }),
      orthanc.dicomPort,
    );
    await watched(node, study);
    const files = await resultFiles(study);
    objects = files.length;
    expect(objects).toBe(2);
    // By C-STORE Orthanc writes lengths of sequences anew, whoever sends: here DCMTK sends the same files.
    await removeResults(study);
    await sendByCStore(files, orthanc.dicomPort, ['--required']);
    const expected = await keptResults(study);
    expect(expected.size).toBe(objects);
    for (const retrieve of ['get', 'move']) {
      await removeResults(study);
      const over = await start(dimse(retrieve));
      expect((await over.watcher.poll()).queued).toEqual([]);
      await processed(over, study);
      const kept = await keptResults(study);
      expect([...kept.keys()]).toEqual([...expected.keys()]);
      for (const [uid, bytes] of expected) expect(kept.get(uid)?.equals(bytes), uid).toBe(true);
    }
  });

  it('notices what comes over DIMSE, and adds nothing in later polls', async () => {
    const study = '1.2.826.0.1.22.2';
    const node = running ?? (await start(dimse('move')));
    await sendByCStore(smallCtSeries(study, { PatientID: 'P-23' }), orthanc.dicomPort);
    await watched(node, study);
    expect((await node.studyDetails(study))?.study.state).toBe('done');
    const before = [...(await keptResults(study)).keys()];
    expect(before).toHaveLength(2);
    for (let i = 0; i < 3; i++) expect((await node.watcher.poll()).queued).toEqual([]);
    const late = smallCtSeries(study, { PatientID: 'P-23' }, 3, 5);
    await sendByCStore(late, orthanc.dicomPort);
    await watched(node, study);
    expect([...(await keptResults(study)).keys()]).toEqual(before);
    await node.stop();
    running = undefined;
  });

  it('killed between C-STORE and commitment loses nothing, and doubles nothing', async () => {
    const study = '1.2.826.0.1.22.3';
    const configured = async (aeTitle: string): Promise<string> => {
      // At the port of GONE nobody listens: Orthanc cannot report there.
      const more = { aeTitle, commitment: { timeoutSeconds: 300 } };
      const config = await configOf(dimse('get', more), 'killed');
      const file = path.join(folder, `${aeTitle}.yaml`);
      await writeFile(
        file,
        stringify({ ...config, watch: { schedule: '* * * * * *', stableForSeconds: 0, lookBack: 'all' } }),
      );
      return file;
    };
    const patients = (await (await fetch(`${orthanc.restUrl}/patients`)).json()) as string[];
    for (const id of patients) await fetch(`${orthanc.restUrl}/patients/${id}`, { method: 'DELETE' });
    const images = smallCtSeries(study, { PatientID: 'P-24' });
    await sendByCStore(images, orthanc.dicomPort);
    const first = serve(await configured('GONE'));
    // All of them are there, and the process waits for a report that does not come.
    const count = async (): Promise<unknown> => {
      const answer = await fetch(`${orthanc.restUrl}/statistics`);
      return ((await answer.json()) as { CountInstances: unknown }).CountInstances;
    };
    const all = images.length + objects;
    await vi.waitFor(async () => expect(await count()).toBe(all), { ...PATIENCE, interval: 200 });
    await first.kill();
    const before = await keptResults(study);

    const second = serve(await configured('WORKER'));
    await second.says(/study processed/);
    await second.stop();
    const after = await keptResults(study);
    expect([...after.keys()]).toEqual([...before.keys()]);
    const { segmentations, reports } = await storedResults(web, [study]);
    expect([segmentations.get(study)?.length, reports.get(study)?.length]).toEqual([1, 1]);
  });
});
