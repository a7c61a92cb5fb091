import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createWatcher, type PollSummary } from '../../src/arrivals/watch/watch.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { OrthancChanges } from '../../src/dicom/web/orthanc-changes.ts';
import { JobEngine } from '../../src/queue/job-engine.ts';
import { StudyQueue } from '../../src/queue/study-queue.ts';
import { isOwnResult } from '../../src/results/own-results.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { describeWith } from '../support/requires.ts';
import { smallInstance } from '../support/small-instance.ts';
import { sendByCStore } from '../support/study-files.ts';
import { startTestNode } from '../support/test-node.ts';

const CREDENTIALS = 'node:secret';
const HEADERS = { Authorization: `Basic ${Buffer.from(CREDENTIALS).toString('base64')}` };

describeWith(['Orthanc', 'storescu'], 'following the changes of an Orthanc', () => {
  let orthanc: OrthancServer;
  let database: Database;
  let engine: JobEngine;
  let queue: StudyQueue;
  const said: string[] = [];

  beforeAll(async () => {
    orthanc = await startOrthanc({
      StableAge: 1,
      AuthenticationEnabled: true,
      RegisteredUsers: { node: 'secret' },
    });
    database = await openDatabase({ memory: true });
    engine = await JobEngine.open(database, (error) => {
      throw error;
    });
    queue = await StudyQueue.open(engine);
  });
  afterAll(async () => {
    await queue?.stop({ graceMs: 0 });
    await engine?.stop();
    await database?.close();
    await orthanc?.stop();
  });
  beforeEach(() => void said.splice(0));

  const client = () => new DicomWebClient({ url: orthanc.url, headers: HEADERS });
  const changesOf = (url: string) => new OrthancChanges({ url, headers: HEADERS });
  /** A watcher as a new process would make it. */
  const poll = (): Promise<PollSummary> =>
    createWatcher({
      archive: client(),
      changes: changesOf(orthanc.restUrl),
      database,
      queue,
      isOwnResult,
      admit: async () => ({ action: 'process' }),
      // No study of today is there: what is found, the changes have told.
      lookBack: 0,
      stableForMs: 0,
      pageSize: 10,
      now: () => new Date(),
      log: { info: (_fields, message) => void said.push(message), warn: () => {} },
    }).poll();
  const store = (study: string, series: number, instance: number) =>
    client().storeVerified(study, [
      smallInstance({ study, series: `${study}.${series}`, sop: `${study}.${series}.${instance}` }),
    ]);
  const pollTwice = async (): Promise<string[]> => {
    const polls = [await poll(), await poll()];
    await database.query('DELETE FROM pgboss.job');
    return polls.flatMap(({ queued }) => queued).sort();
  };
  const rest = (path: string, method = 'GET') => fetch(orthanc.restUrl + path, { method, headers: HEADERS });

  it('begins in an empty archive, and finds each new study', async () => {
    expect(await poll()).toMatchObject({ studies: 0, looked: [] });
    expect(said).toEqual(['the list of changes is followed from now on']);
    await store('2.25.78.1', 1, 1);
    await store('2.25.78.2', 1, 1);
    expect(await pollTwice()).toEqual(['2.25.78.1', '2.25.78.2']);
    expect(await pollTwice()).toEqual([]);
  });

  it('finds a late instance of a known series', async () => {
    await store('2.25.78.1', 1, 2);
    expect(await pollTwice()).toEqual(['2.25.78.1']);
  });

  it('goes on after the study of the last change was deleted', async () => {
    await store('2.25.78.3', 1, 1);
    expect(await pollTwice()).toEqual(['2.25.78.3']);
    const studies: unknown = await (await rest('/studies')).json();
    for (const id of Array.isArray(studies) ? studies : []) await rest(`/studies/${id}`, 'DELETE');
    await store('2.25.78.4', 1, 1);
    expect(await pollTwice()).toEqual(['2.25.78.4']);
    expect(said).toEqual(['the list of changes is not the one that was followed: looking at everything']);
  });

  it('goes on after the list of changes was cleared', async () => {
    expect((await rest('/changes', 'DELETE')).ok).toBe(true);
    await store('2.25.78.5', 1, 1);
    expect(await pollTwice()).toEqual(['2.25.78.5']);
  });

  it('tells who sent a study by C-STORE, where somebody wants to know', async () => {
    const study = '2.25.78.7';
    const newest = await changesOf(orthanc.restUrl).newest();
    await sendByCStore(
      [smallInstance({ study, series: `${study}.1`, sop: `${study}.1.1` })],
      orthanc.dicomPort,
    );
    await store('2.25.78.8', 1, 1);
    const curious = new OrthancChanges({ url: orthanc.restUrl, headers: HEADERS, senders: true });
    const { changes } = await curious.since(newest?.sequence ?? 0, 100);
    const ids = changes.filter(({ type }) => type === 'NewInstance').map(({ id }) => id);
    const found = (await curious.studiesOf(ids)).toSorted((one, other) =>
      one.studyInstanceUid.localeCompare(other.studyInstanceUid),
    );
    expect(found).toEqual([
      { studyInstanceUid: study, callingAeTitle: 'STORESCU' },
      { studyInstanceUid: '2.25.78.8', callingAeTitle: undefined },
    ]);
  });

  it('says what to configure where there is no list of changes', async () => {
    const wrong = changesOf(orthanc.url);
    await expect(wrong.newest()).rejects.toMatchObject({
      code: 'DICOM_WEB_STATUS',
      message: expect.stringMatching(/\/dicom-web\/changes answered with status 404\..*archive\.rest/),
    });
    const stranger = new OrthancChanges({ url: orthanc.restUrl });
    await expect(stranger.newest()).rejects.toMatchObject({ code: 'DICOM_WEB_STATUS', status: 401 });
  });

  it('a node that is configured so processes what arrives', async () => {
    const [user, password] = CREDENTIALS.split(':');
    const node = await startTestNode(orthanc.url, {
      archive: { kind: 'orthanc', url: orthanc.url, user, password },
      watch: { schedule: '* * * * * *', lookBack: 0, stableForSeconds: 0 },
    });
    try {
      const ended = node.node().studyEnded('2.25.78.6');
      await store('2.25.78.6', 1, 1);
      await ended;
      expect((await node.node().studyDetails('2.25.78.6'))?.study.state).toBe('skipped');
    } finally {
      await node.stop();
    }
  });
});
