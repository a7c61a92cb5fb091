import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { addToken } from '../../src/http/security/token-file.ts';
import { addOptOut } from '../../src/store/records/opt-out.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { PATIENCE } from '../support/patience.ts';
import { describeWith } from '../support/requires.ts';
import { smallInstance } from '../support/small-instance.ts';
import { sendByCStore } from '../support/study-files.ts';
import { startTestNode, type TestNode } from '../support/test-node.ts';

const SCRIPT = path.resolve(import.meta.dirname, '../../deploy/orthanc/notify-pansegnet.lua');

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

describeWith(['Orthanc', 'storescu'], "Orthanc's script", () => {
  const [received, sent] = ['2.25.880.1', '2.25.880.2'];
  let folder: string;
  let token: string;
  let operatorToken: string;
  let orthanc: OrthancServer;
  let testNode: TestNode;

  // Both have to know each other's address before they start; and the node's first poll has to find nothing.
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'notify-'));
    const tokensFile = path.join(folder, 'tokens.json');
    token = await addToken(tokensFile, { name: 'orthanc', role: 'sender', expires: null, now: new Date() });
    const operator = { name: 'operator', role: 'operator', expires: null, now: new Date() } as const;
    operatorToken = await addToken(tokensFile, operator);
    const port = await freePort();
    orthanc = await startOrthanc({
      StableAge: 1,
      LuaScripts: [SCRIPT],
      PansegnetNode: { Url: `http://127.0.0.1:${port}`, Token: token },
    });
    testNode = await startTestNode(orthanc.url, { http: { port }, auth: { tokensFile } });
  });
  afterAll(async () => {
    await testNode?.stop();
    await orthanc?.stop();
    await rm(folder, { recursive: true });
  });

  const instance = (study: string) =>
    smallInstance({ study, series: `${study}.1`, sop: `${study}.1.1` }, { SeriesDescription: 'lung' });
  const sourceOf = async (study: string): Promise<unknown> => {
    const { database } = testNode.node();
    const sql = 'SELECT source FROM pansegnet.study WHERE study_instance_uid = $1';
    return (await database.query(sql, [study]))[0]?.['source'];
  };

  const runsOf = (study: string) =>
    testNode.node().database.query('SELECT starts FROM pansegnet.run WHERE study_instance_uid = $1', [study]);

  it('lets the node process a study when it is stable, without a poll', async () => {
    const ended = testNode.node().studyEnded(received);
    await new DicomWebClient({ url: orthanc.url }).storeVerified(received, [instance(received)]);
    await ended;
    expect((await testNode.node().studyDetails(received))?.study.state).toBe('skipped');
    expect(await sourceOf(received)).toEqual({ kind: 'notify' });
  });

  it('says who sent the study by C-STORE', async () => {
    const ended = testNode.node().studyEnded(sent);
    await sendByCStore([instance(sent)], orthanc.dicomPort);
    await ended;
    expect(await sourceOf(sent)).toEqual({ kind: 'notify', callingAeTitle: 'STORESCU' });
  });

  it('a study that is announced, sent to the node and found by polling is processed once', async () => {
    const { url, watcher } = testNode.node();
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const body = JSON.stringify({ studyInstanceUid: received });
    const answer = await fetch(`${url}/api/notify`, { method: 'POST', headers, body });
    expect(answer.status).toBe(202);
    const sender = new DicomWebClient({
      url: `${url}/dicom-web`,
      headers: { Authorization: `Bearer ${token}` },
    });
    expect((await sender.store(received, [instance(received)])).failed).toEqual([]);
    for (let poll = 0; poll < 3; poll += 1) {
      expect((await watcher.poll()).queued).toEqual([]);
    }
    await expect.poll(() => watcher.msUntilDue(), PATIENCE).toBeUndefined();
    expect(await runsOf(received)).toEqual([{ starts: 1 }]);
  });

  it('a study of a patient who opted out is skipped, announced or asked for, and says why', async () => {
    const study = '2.25.880.3';
    const { url, database } = testNode.node();
    await addOptOut(database, { patientId: 'OUT-1' }, new Date());
    const uids = { study, series: `${study}.1`, sop: `${study}.1.1` };
    const state = async () => (await testNode.node().studyDetails(study))?.study;
    const skipped = { state: 'skipped', reason: 'the patient is on the opt-out list' };
    await new DicomWebClient({ url: orthanc.url }).storeVerified(study, [
      smallInstance(uids, { PatientID: 'OUT-1' }),
    ]);
    await expect.poll(state, PATIENCE).toMatchObject(skipped);
    expect(await runsOf(study)).toEqual([]);

    const ended = testNode.node().studyEnded(study);
    const headers = { Authorization: `Bearer ${operatorToken}` };
    const answer = await fetch(`${url}/api/studies/${study}/process`, { method: 'POST', headers });
    expect(answer.status).toBe(202);
    await ended;
    expect(await state()).toMatchObject(skipped);
    expect((await testNode.node().studyDetails(study))?.decisions).toEqual([]);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['no UID', '{"studyInstanceUid":"../../etc"}'],
    ['Orthanc ids', '{"ID":"58b205a0-d3d2fa59-3ce08311-76d3546e-eb4d473f"}'],
    ['too much', JSON.stringify({ studyInstanceUid: '1.2', more: 'x'.repeat(2_000_000) })],
  ])('a notification with %s is refused, and nothing is announced', async (_what, body) => {
    const { url, watcher } = testNode.node();
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const answer = await fetch(`${url}/api/notify`, { method: 'POST', headers, body });
    expect([400, 413]).toContain(answer.status);
    expect(await watcher.msUntilDue()).toBeUndefined();
  });

  it('a notification without the token is refused', async () => {
    const { url } = testNode.node();
    const body = JSON.stringify({ studyInstanceUid: received });
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(`${url}/api/notify`, { method: 'POST', headers, body });
    expect(answer.status).toBe(401);
  });
});
