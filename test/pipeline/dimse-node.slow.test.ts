import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { type PansegnetNode, startNode } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { createAuthority, type TestAuthority } from '../support/certificates.ts';
import { startDcmqrscp } from '../support/dcmqrscp.ts';
import { type DeliveryRelay, startRelays } from '../support/delivery-relay.ts';
import { freePort } from '../support/free-port.ts';
import { dataSetsOf, differing, removeResults, resultFiles } from '../support/kept-results.ts';
import { orderNodeConfig } from '../support/order-node.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { PATIENCE } from '../support/patience.ts';
import { startPostgres } from '../support/postgres.ts';
import { describeWith } from '../support/requires.ts';
import { serve } from '../support/serve-process.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { storedResults } from '../support/stored-results.ts';
import { sendByCStore } from '../support/study-files.ts';

const NEEDED = ['Orthanc', 'storescu', 'dcmqrscp', 'openssl', 'postgresql'] as const;

describeWith(NEEDED, 'a node whose archive speaks DIMSE alone', () => {
  let orthanc: OrthancServer;
  let web: DicomWebClient;
  let folder: string;
  let ports: readonly [open: number, closed: number];
  /** Where two workers listen, and where Orthanc believes that they do. */
  let workers: readonly number[] = [];
  let relays: readonly DeliveryRelay[] = [];
  let running: PansegnetNode | undefined;
  /** What a node stores of one study. */
  let objects = 0;
  const first = {
    study: '1.2.826.0.1.22.1',
    images: smallCtSeries('1.2.826.0.1.22.1', { PatientID: 'P-22', PatientName: 'Grün^Éva' }),
    /** Its results as a node beside a DICOMweb archive writes them, and as Orthanc keeps them after C-STORE. */
    written: new Map<string, Buffer>(),
    kept: new Map<string, Buffer>(),
  };

  beforeAll(async () => {
    ports = [await freePort(), await freePort()];
    workers = [await freePort(), await freePort()];
    relays = await startRelays(workers);
    folder = await mkdtemp(path.join(tmpdir(), 'dimse-node-'));
    orthanc = await startOrthanc({
      DicomModalities: {
        here: ['WORKER', '127.0.0.1', ports[0]],
        gone: ['GONE', '127.0.0.1', ports[1]],
        one: ['W0', '127.0.0.1', relays[0]?.port],
        two: ['W1', '127.0.0.1', relays[1]?.port],
      },
      // Of the two, one may have to wait for the other.
      DicomScuTimeout: 120,
    });
    web = new DicomWebClient({ url: orthanc.url });
  });
  afterAll(async () => {
    await running?.stop();
    await orthanc?.stop();
    for (const relay of relays) await relay.close();
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
  const start = async (archive: Readonly<Record<string, unknown>>, name?: string): Promise<PansegnetNode> => {
    await running?.stop();
    running = await startNode(loadConfig({ environment: {}, overrides: await configOf(archive, name) }));
    return running;
  };

  /** Their data sets by SOP instance UID. */
  const keptResults = async (study: string) => dataSetsOf(await resultFiles(web, study));
  const processed = async (node: PansegnetNode, study: string): Promise<void> => {
    const ended = node.studyEnded(study);
    const answer = await fetch(`${node.url}/api/studies/${study}/process`, { method: 'POST' });
    expect(answer.status).toBeLessThan(300);
    await ended;
    const details = await node.studyDetails(study);
    expect(details?.study.state, details?.study.reason).toBe('done');
  };
  const removePatients = async (): Promise<void> => {
    const patients = (await (await fetch(`${orthanc.restUrl}/patients`)).json()) as string[];
    for (const id of patients) await fetch(`${orthanc.restUrl}/patients/${id}`, { method: 'DELETE' });
  };
  const watched = async (node: PansegnetNode, study: string): Promise<void> => {
    const ended = node.studyEnded(study);
    // A study is complete at the second look; the node may have looked by itself meanwhile.
    await node.watcher.poll();
    await node.watcher.poll();
    await ended;
  };

  it('finds what arrives, and stores what a node beside a DICOMweb archive stores, byte for byte', async () => {
    const { study, images } = first;
    const node = await start({ kind: 'dicomweb', url: orthanc.url });
    await sendByCStore(images, orthanc.dicomPort);
    await watched(node, study);
    const files = await resultFiles(web, study);
    first.written = dataSetsOf(files);
    objects = files.length;
    expect(objects).toBe(2);
    // By C-STORE Orthanc writes lengths of sequences anew, whoever sends: here DCMTK sends the same files.
    await removeResults(orthanc, study);
    await sendByCStore(files, orthanc.dicomPort, ['--required']);
    first.kept = await keptResults(study);
    expect(first.kept.size).toBe(objects);
    for (const retrieve of ['get', 'move']) {
      await removeResults(orthanc, study);
      const over = await start(dimse(retrieve));
      expect((await over.watcher.poll()).queued).toEqual([]);
      await processed(over, study);
      expect(differing(await keptResults(study), first.kept)).toEqual([]);
    }
  });

  it('does so over TLS, both sides with certificates', async () => {
    const authority: TestAuthority = createAuthority('hospital');
    const names = 'DNS:localhost,IP:127.0.0.1';
    const [server, own] = [authority.issue('orthanc', names), authority.issue('worker', names)];
    const secured = await startOrthanc({
      DicomTlsEnabled: true,
      DicomTlsCertificate: server.certificateFile,
      DicomTlsPrivateKey: server.keyFile,
      DicomTlsTrustedCertificates: authority.certificateFile,
      DicomTlsRemoteCertificateRequired: true,
      DicomModalities: { here: { AET: 'WORKER', Host: '127.0.0.1', Port: ports[0], UseDicomTls: true } },
    });
    try {
      const there = new DicomWebClient({ url: secured.url });
      await there.storeVerified(first.study, first.images);
      const files = {
        ca: authority.certificateFile,
        clientCertificate: own.certificateFile,
        clientKey: own.keyFile,
      };
      for (const retrieve of ['get', 'move']) {
        await removeResults(secured, first.study);
        const { kind, dimse: section } = dimse(retrieve, { port: secured.dicomPort, tls: true });
        const node = await start({ kind, ...files, dimse: section });
        expect(await node.watcher.poll()).toMatchObject({ studies: 1, queued: [] });
        await processed(node, first.study);
        expect(differing(dataSetsOf(await resultFiles(there, first.study)), first.kept)).toEqual([]);
      }
    } finally {
      await running?.stop();
      running = undefined;
      await secured.stop();
      authority.remove();
    }
  });

  it('does so beside dcmqrscp, which keeps the bytes as they were written, by C-GET and by C-MOVE', async () => {
    for (const options of [[], ['--disable-get']]) {
      const archive = await startDcmqrscp({ WORKER: ports[0] }, ['--bit-preserving', ...options]);
      try {
        await sendByCStore(first.images, archive.port, [], 'QR');
        const there = dimse('auto', { port: archive.port, calledAeTitle: 'QR' });
        const node = await start(there);
        expect(await node.watcher.poll()).toMatchObject({ studies: 1, queued: [] });
        await processed(node, first.study);
        const sent = new Set(dataSetsOf(first.images).keys());
        const kept = dataSetsOf(await archive.files());
        for (const uid of sent) expect(kept.delete(uid), uid).toBe(true);
        expect(differing(kept, first.written)).toEqual([]);
        for (let i = 0; i < 2; i++) expect((await node.watcher.poll()).queued).toEqual([]);
      } finally {
        await running?.stop();
        running = undefined;
        await archive.stop();
      }
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
    await removePatients();
    const images = smallCtSeries(study, { PatientID: 'P-24' });
    await sendByCStore(images, orthanc.dicomPort);
    const killed = serve(await configured('GONE'));
    // All of them are there, and the process waits for a report that does not come.
    const count = async (): Promise<unknown> => {
      const answer = await fetch(`${orthanc.restUrl}/statistics`);
      return ((await answer.json()) as { CountInstances: unknown }).CountInstances;
    };
    const all = images.length + objects;
    await vi.waitFor(async () => expect(await count()).toBe(all), { ...PATIENCE, interval: 200 });
    await killed.kill();
    const before = await keptResults(study);

    const second = serve(await configured('WORKER'));
    await second.says(/study processed/);
    await second.stop();
    const after = await keptResults(study);
    expect([...after.keys()]).toEqual([...before.keys()]);
    const { segmentations, reports } = await storedResults(web, [study]);
    expect([segmentations.get(study)?.length, reports.get(study)?.length]).toEqual([1, 1]);
  });

  it('is served by two workers at once, each of which has what it moves, and nothing of the other', async () => {
    const studies = ['1.2.826.0.1.22.4', '1.2.826.0.1.22.5'];
    await removePatients();
    for (const [i, study] of studies.entries()) {
      const images = smallCtSeries(study, { PatientID: `P-2${study.at(-1)}` }, 12 + 4 * i);
      await sendByCStore(images, orthanc.dicomPort);
    }
    const server = await startPostgres();
    const url = await server.newDatabase();
    // The time of a result is kept there: one database for all.
    const shared = async (name: string, archive: Readonly<Record<string, unknown>>) => ({
      ...(await configOf(archive, name)),
      database: { url, folder: path.join(folder, 'none') },
    });
    await running?.stop();
    const alone = await shared('alone', { kind: 'dicomweb', url: orthanc.url });
    const node = await startNode(loadConfig({ environment: {}, overrides: alone }));
    running = node;
    const ended = studies.map((study) => node.studyEnded(study));
    for (let i = 0; i < 2; i++) await node.watcher.poll();
    await Promise.all(ended);
    await node.stop();
    const expected: Map<string, Buffer>[] = [];
    for (const study of studies) {
      const files = await resultFiles(web, study);
      await removeResults(orthanc, study);
      await sendByCStore(files, orthanc.dicomPort, ['--required']);
      expected.push(await keptResults(study));
      await removeResults(orthanc, study);
    }
    expect(expected.map(({ size }) => size)).toEqual(studies.map(() => objects));

    const started = await Promise.all(
      workers.map(async (port, i) => {
        const own = { aeTitle: `W${i}`, listen: { host: '127.0.0.1', port } };
        const file = path.join(folder, `worker-${i}.yaml`);
        await writeFile(file, stringify(await shared(`worker-${i}`, dimse('move', own))));
        return serve(file, '--role', 'worker');
      }),
    );
    const gateway = await shared('gateway', dimse('get', { listen: {} }));
    running = await startNode(loadConfig({ environment: {}, overrides: gateway }), { role: 'gateway' });
    try {
      await Promise.all(started.map((worker) => worker.says(/the node is running/)));
      for (const study of studies) {
        await fetch(`${running.url}/api/studies/${study}/process`, { method: 'POST' });
      }
      // Neither goes on before the other one moves: had one done both, this would not end.
      await Promise.all(started.map((worker) => worker.says(/study processed/)));
      for (const [i, study] of studies.entries()) {
        expect(differing(await keptResults(study), expected[i] ?? new Map())).toEqual([]);
      }
    } finally {
      await Promise.all(started.map((worker) => worker.stop()));
      await running?.stop();
      running = undefined;
      await server.stop();
    }
  });
});
