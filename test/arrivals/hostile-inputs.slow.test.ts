import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { freePort } from '../support/free-port.ts';
import { hostileStudies } from '../support/hostile-answers.ts';
import { type HostileArchive, startHostileArchive } from '../support/hostile-archive.ts';
import { hostileFile, hostileInstances } from '../support/hostile-instances.ts';
import { storeRaw } from '../support/raw-dimse.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { writeSmallModels } from '../support/small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';
import { startTestNode, type TestNode } from '../support/test-node.ts';

/** What is small to send is sent as large as it comes; `npm run bench -- doors` sends all of it. */
const BOMBS = hostileInstances().filter(({ name }) => name.startsWith('deflated'));
const CANNOT_UNDERSTAND = 0xc000;

/** Of an archive: what the study ends with. Metadata are had otherwise, so those studies are done. */
const FROM_ARCHIVE: readonly (readonly [name: string, end: object])[] = [
  ['instances: deflated empty items', { state: 'failed', errorCode: 'DICOM_UNREADABLE' }],
  ['metadata: one long text', { state: 'done' }],
  ['metadata: one data set of 3 GB', { state: 'done' }],
  ['metadata: zstd of gigabytes', { state: 'done' }],
];

/** That nothing takes long, the benchmark shows; here, that all of it is refused and the node goes on. */
describe('a node at whose doors strangers stand', () => {
  let folder: string;
  let honest: RunningArchive;
  let archive: HostileArchive;
  let node: TestNode;
  let port: number;
  let count = 0;
  const nextStudy = () => `1.2.78.${(count += 1)}`;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'hostile-'));
    honest = await startEmbeddedArchive();
    archive = await startHostileArchive(honest.url);
    port = await freePort();
    node = await startTestNode(archive.url, {
      models: await writeSmallModels(folder),
      inference: { threads: 1 },
      selection: { siteRules: SMALL_SERIES_RULES },
      intake: { dimse: { enabled: true, port, aeTitle: 'NODE' } },
    });
  });
  afterAll(async () => {
    await node?.stop();
    await archive?.stop();
    await honest?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function endOf(study: string) {
    const running = node.node();
    const ended = running.studyEnded(study);
    for (let polls = 0; polls < 2; polls += 1) await running.watcher.poll();
    await ended;
    return (await running.studyDetails(study))?.study;
  }

  it.for(BOMBS.map(({ name }) => name))('%s are refused at both doors', async (name) => {
    const bomb = BOMBS.find((one) => one.name === name);
    if (!bomb) throw new Error('no such input');
    const [study, sopUid] = ['1.2.79', '1.2.79.1.1'];
    const { transferSyntaxUid } = bomb;
    const dataSet = bomb.dataSet(sopUid, study);
    expect(await storeRaw(port, { sopUid, transferSyntaxUid, dataSet })).toBe(CANNOT_UNDERSTAND);
    const client = new DicomWebClient({ url: `${node.node().url}/dicom-web` });
    expect(await client.store(undefined, [hostileFile(bomb, sopUid, study)])).toMatchObject({
      status: 409,
      failed: [{ reason: CANNOT_UNDERSTAND }],
    });
  });

  it.for(FROM_ARCHIVE)('%s from the archive: the study ends with a word on it', async ([name, end]) => {
    const hostile = hostileStudies(0.2).find((one) => one.name === name);
    if (!hostile) throw new Error('no such answer');
    const study = nextStudy();
    archive.answer(study, hostile.askedFor, hostile.answer(study));
    await new DicomWebClient({ url: honest.url }).store(undefined, smallCtSeries(study));
    const ended = await endOf(study);
    expect(ended, ended?.reason ?? '').toMatchObject(end);
  });

  it('segments an ordinary study after all that', async () => {
    const study = nextStudy();
    await new DicomWebClient({ url: honest.url }).store(undefined, smallCtSeries(study));
    expect(await endOf(study)).toMatchObject({ state: 'done' });
  });
});
