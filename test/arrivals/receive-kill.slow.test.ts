import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { freePort } from '../support/free-port.ts';
import { type ServeProcess, serve } from '../support/serve-process.ts';
import { smallInstance } from '../support/small-instance.ts';

const STUDY = '2.25.72001';
const SERIES = `${STUDY}.1`;
/** After so many acknowledged instances the node is killed, whatever it does just then. */
const KILLS = [7, 40];
/** Senders at the same time. */
const SENDERS = 3;

describe('a node that is killed while it receives', () => {
  let archive: Awaited<ReturnType<typeof startEmbeddedArchive>>;
  let client: DicomWebClient;
  let folder: string;
  let configuration: string;
  let port: number;
  let node: ServeProcess;

  beforeAll(async () => {
    archive = await startEmbeddedArchive();
    client = new DicomWebClient({ url: archive.url });
    folder = await mkdtemp(path.join(tmpdir(), 'receive-kill-'));
    port = await freePort();
    configuration = path.join(folder, 'node.yaml');
    const sections = {
      archive: { kind: 'dicomweb', url: archive.url },
      database: { folder: path.join(folder, 'database') },
      audit: { folder: path.join(folder, 'audit') },
      intake: { spoolFolder: path.join(folder, 'spool') },
      watch: { schedule: '0 0 0 29 2 *', stableForSeconds: 3600 },
      http: { port },
    };
    await writeFile(configuration, JSON.stringify(sections)); // JSON is YAML too
  });
  afterAll(async () => {
    await node?.kill();
    await archive.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('loses none of the instances that it has acknowledged', async () => {
    const acknowledged: string[] = [];
    let next = 1;
    for (const kill of KILLS) {
      node = serve(configuration);
      await node.says(/the node is running/);
      const goal = acknowledged.length + kill;
      const sending = async (): Promise<void> => {
        while (node.isAlive()) {
          const sop = `${SERIES}.${next++}`;
          if (!(await isAcknowledged(sop))) continue;
          acknowledged.push(sop);
          if (acknowledged.length === goal) await node.kill();
        }
      };
      await Promise.all(Array.from({ length: SENDERS }, sending));
    }
    // Its archive is away when it comes back: the spool alone holds what is not there yet.
    await archive.halt();
    node = serve(configuration);
    await node.says(/the node is running/);
    await archive.resume();
    while ((await readdir(path.join(folder, 'spool', 'ready'))).length > 0) await wait(50);
    const stored = await client.storedInstances(STUDY, SERIES);
    expect(acknowledged.filter((sop) => !stored.has(sop))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThanOrEqual(47);
    expect(await readdir(path.join(folder, 'spool', 'incoming'))).toEqual([]);
    expect(await readdir(path.join(folder, 'spool', 'refused'))).toEqual([]);
  });

  async function isAcknowledged(sop: string): Promise<boolean> {
    const sender = new DicomWebClient({ url: `http://127.0.0.1:${port}/dicom-web` });
    const instance = smallInstance({ study: STUDY, series: SERIES, sop }, { Modality: 'OT' });
    const outcome = await sender.store(STUDY, [instance]).catch(() => undefined);
    return outcome?.stored.includes(sop) === true;
  }
});
