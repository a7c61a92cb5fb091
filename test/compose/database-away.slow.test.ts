import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fillDatabase, patientKey, reportUid, studyUid } from '../../bench/database/fill.ts';
import { type PansegnetNode, startNode } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { setQueueMode } from '../../src/queue/queue-mode.ts';
import { PATIENCE } from '../support/patience.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { describeWith } from '../support/requires.ts';
import { smallInstance } from '../support/small-instance.ts';
import { testLog } from '../support/test-log.ts';

const STARTING_MS = 300_000;

/** What the node answers from its database. */
const READ = [
  '/',
  '/?when=all&state=failed',
  `/studies/${studyUid(7)}`,
  `/patients/${patientKey(7)}`,
  '/quality',
  '/api/studies',
  `/api/studies/${studyUid(7)}`,
  '/api/failed',
  `/api/patients/${patientKey(7)}/volumes`,
  `/api/patients/${patientKey(7)}/volumes.csv`,
  `/api/results/${reportUid(7)}/report`,
  '/readyz',
];
const json = (body: object): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});
/** What it writes there. */
const WRITTEN: [string, () => RequestInit][] = [
  ['/api/studies/search', () => json({ words: 'anna' })],
  [`/api/studies/${studyUid(7)}/process`, () => json({})],
  ['/api/notify', () => json({ studyInstanceUid: studyUid(7) })],
  ['/dicom-web/studies', () => store('1.2.276.0.99.7')],
];

function store(study: string): RequestInit {
  const instance = smallInstance({ study, series: `${study}.1`, sop: `${study}.1.1` });
  const head = '--b\r\nContent-Type: application/dicom\r\n\r\n';
  return {
    method: 'POST',
    headers: { 'Content-Type': 'multipart/related; type="application/dicom"; boundary=b' },
    body: Buffer.concat([Buffer.from(head), instance, Buffer.from('\r\n--b--\r\n')]),
  };
}

describeWith(['postgresql'], 'a node whose PostgreSQL goes away', () => {
  let folder: string;
  let server: PostgresServer;
  let node: PansegnetNode;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'away-'));
    server = await startPostgres();
    node = await startNode(
      loadConfig({
        environment: {},
        overrides: {
          archive: { kind: 'embedded', folder: path.join(folder, 'archive') },
          database: { url: await server.newDatabase(), folder },
          intake: { spoolFolder: path.join(folder, 'spool') },
          audit: { folder: path.join(folder, 'audit') },
          watch: { schedule: '0 0 0 29 2 *' },
          health: { cacheSeconds: 0 },
          http: { port: 0 },
          log: testLog('away'),
        },
      }),
    );
    await setQueueMode(node.database, 'paused');
    await fillDatabase(node.database, 200);
  }, STARTING_MS);
  afterAll(async () => {
    await node?.stop();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = async (target: string, request?: RequestInit): Promise<string> => {
    const response = await fetch(node.url + target, { ...request, redirect: 'manual' });
    await response.arrayBuffer();
    const again = response.headers.has('Retry-After') ? ', come again' : '';
    return `${target}: ${response.status}${again}`;
  };
  const everything = async (): Promise<string[]> => {
    const answers: string[] = [];
    for (const target of READ) answers.push(await ask(target));
    for (const [target, request] of WRITTEN) answers.push(await ask(target, request()));
    return answers;
  };
  const expected = [...READ, ...WRITTEN.map(([target]) => target)].map((one) => `${one}: 503, come again`);

  it(
    'says of every page and answer, and of what it receives, that it can be had later; and has it then',
    async () => {
      await server.halt();
      expect(await everything()).toEqual(expected);
      // What needs no database goes on.
      expect(await ask('/healthz')).toBe('/healthz: 200');
      expect(await ask('/metrics')).toBe('/metrics: 200');
      await server.resume();
      await expect.poll(() => ask('/api/studies'), PATIENCE).toBe('/api/studies: 200');
      const back = await everything();
      expect(back.filter((answer) => / 5\d\d/.test(answer) && !/\/readyz|\/report/.test(answer))).toEqual([]);
      expect(await ask('/dicom-web/studies', store('1.2.276.0.99.8'))).toBe('/dicom-web/studies: 200');
      const known = await node.database.query(
        `SELECT 1 FROM pansegnet.announcement WHERE study_instance_uid = '1.2.276.0.99.8'
       UNION ALL SELECT 1 FROM pansegnet.study WHERE study_instance_uid = '1.2.276.0.99.8'`,
      );
      expect(known.length).toBeGreaterThan(0);
    },
    STARTING_MS,
  );
});
