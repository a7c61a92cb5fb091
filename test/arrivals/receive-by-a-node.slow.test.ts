import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { text } from '../../src/dicom/reading/dataset.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { freePort } from '../support/free-port.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { describeWith, programPath } from '../support/requires.ts';
import { writeSmallModels } from '../support/small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';
import { startTestNode, type TestNode } from '../support/test-node.ts';

const run = promisify(execFile);
const BY_STOW = '2.25.71001';
const BY_C_STORE = '2.25.71002';

describeWith(['Orthanc', 'storescu'], 'a node that receives, with an Orthanc behind it', () => {
  let sender: OrthancServer;
  let archive: OrthancServer;
  let client: DicomWebClient;
  let node: TestNode;
  let folder: string;
  let port: number;

  beforeAll(async () => {
    [sender, archive] = await Promise.all([startOrthanc(), startOrthanc()]);
    client = new DicomWebClient({ url: archive.url });
    folder = await mkdtemp(path.join(tmpdir(), 'receive-'));
    port = await freePort();
    node = await startTestNode(archive.url, {
      models: await writeSmallModels(path.join(folder, 'models')),
      selection: { siteRules: SMALL_SERIES_RULES },
      inference: { threads: 1 },
      intake: { dimse: { enabled: true, port, aeTitle: 'NODE', callingAeTitles: ['SCANNER1'] } },
    });
  });
  afterAll(async () => {
    await node?.stop();
    await Promise.all([sender?.stop(), archive?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  const files = (study: string) => smallCtSeries(study);
  const modalities = async (study: string) =>
    (await client.searchSeries(study)).map((series) => text(series, 'Modality') ?? '').toSorted();

  it("segments a study that Orthanc's own DICOMweb client sends by STOW-RS", async () => {
    for (const body of files(BY_STOW)) await rest('POST', '/instances', body);
    const [study] = z.array(z.string()).parse(await rest('GET', '/studies'));
    await rest('PUT', '/dicom-web/servers/node', JSON.stringify({ Url: `${node.node().url}/dicom-web/` }));
    const ended = node.node().studyEnded(BY_STOW);
    const job = { Resources: [study], Synchronous: true };
    await rest('POST', '/dicom-web/servers/node/stow', JSON.stringify(job));
    await ended;
    expect(await node.node().studyDetails(BY_STOW)).toMatchObject({ study: { state: 'done' } });
    expect(await modalities(BY_STOW)).toEqual(['CT', 'SEG', 'SR']);
    expect((await client.storedInstances(BY_STOW, `${BY_STOW}.1`)).size).toBe(files(BY_STOW).length);
  });

  it('segments a study that storescu sends by C-STORE, and knows from whom it came', async () => {
    const instances = path.join(folder, 'c-store');
    await run('mkdir', [instances]);
    for (const [index, bytes] of files(BY_C_STORE).entries()) {
      await writeFile(path.join(instances, `${index}.dcm`), bytes);
    }
    const ended = node.node().studyEnded(BY_C_STORE);
    const titles = ['-aet', 'SCANNER1', '-aec', 'NODE'];
    await run(programPath('storescu'), [...titles, '+sd', '127.0.0.1', String(port), instances]);
    await ended;
    expect(await node.node().studyDetails(BY_C_STORE)).toMatchObject({ study: { state: 'done' } });
    expect(await modalities(BY_C_STORE)).toEqual(['CT', 'SEG', 'SR']);
    const rows = await node
      .node()
      .database.query('SELECT source FROM pansegnet.study WHERE study_instance_uid = $1', [BY_C_STORE]);
    expect(rows).toEqual([{ source: { kind: 'dimse', callingAeTitle: 'SCANNER1' } }]);
  });

  it('processes a study once that comes again by another way', async () => {
    const url = `${node.node().url}/dicom-web`;
    const { status } = await new DicomWebClient({ url }).store(BY_C_STORE, files(BY_C_STORE));
    expect(status).toBe(200);
    await node.node().watcher.poll();
    await node.node().watcher.poll();
    const details = await node.node().studyDetails(BY_C_STORE);
    expect(details).toMatchObject({ study: { state: 'done' } });
    expect(await modalities(BY_C_STORE)).toEqual(['CT', 'SEG', 'SR']);
  });

  /** Orthanc's own REST interface. */
  async function rest(method: string, address: string, body?: Uint8Array | string): Promise<unknown> {
    const request = { method, ...(body === undefined ? {} : { body: new Uint8Array(Buffer.from(body)) }) };
    const response = await fetch(sender.restUrl + address, request);
    const answer = await response.text();
    expect(response.status, answer).toBe(200);
    return answer === '' ? undefined : JSON.parse(answer);
  }
});

describe('a node with its embedded archive', () => {
  it('segments a study that it receives by STOW-RS, without waiting for a poll', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'receive-embedded-'));
    const node = await startTestNode('', {
      archive: { kind: 'embedded', url: null, folder: path.join(folder, 'archive') },
      models: await writeSmallModels(path.join(folder, 'models')),
      selection: { siteRules: SMALL_SERIES_RULES },
      inference: { threads: 1 },
    });
    try {
      const client = new DicomWebClient({ url: `${node.node().url}/dicom-web` });
      const ended = node.node().studyEnded(BY_STOW);
      expect((await client.store(undefined, smallCtSeries(BY_STOW))).status).toBe(200);
      await ended;
      expect(await node.node().studyDetails(BY_STOW)).toMatchObject({ study: { state: 'done' } });
      const series = await client.searchSeries(BY_STOW);
      expect(series.map((one) => text(one, 'Modality') ?? '').toSorted()).toEqual(['CT', 'SEG', 'SR']);
    } finally {
      await node.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
