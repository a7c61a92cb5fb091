import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { stringify } from 'yaml';
import { Random } from '../../src/demo/phantom/random.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { freePort } from './free-port.ts';
import { inputItem, orderNodeConfig, workitem } from './order-node.ts';
import { type ServeProcess, serve } from './serve-process.ts';
import { smallCtSeries } from './small-series.ts';
import { storedResults } from './stored-results.ts';
import { type Json, startWorklist } from './worklist-server.ts';

export interface OrderKillRun {
  readonly orders: number;
  readonly kills: number;
  readonly seed: number;
  /** DICOMweb root of the archive, which is not killed. */
  readonly archiveUrl: string;
  /** Whether the node asks a worklist, or gets the orders sent. */
  readonly way: 'pull' | 'push';
}

/** How each order ended, and what there is for it; all of them should be the same. */
export type OrderKillResult = Readonly<Record<string, number>>;

const READY = /the node is running/;
const RUNNING_MS = 2_500;
const SETTLE_LIMIT_MS = 300_000;
const LOOK_MS = 300;

/** What should come out: each completed once, and naming the one SEG and the one report that there are. */
export const completedOnce = (orders: number): OrderKillResult => ({
  'COMPLETED once; 1 SEG, 1 SR; the output names exactly these': orders,
});

/**
 * Orders studies while the node that performs them is killed (SIGKILL) at random moments and started again;
 * then lets it finish, and tells what there is.
 */
export async function orderKillRun(run: OrderKillRun): Promise<OrderKillResult> {
  const random = new Random(run.seed);
  const folder = await mkdtemp(path.join(tmpdir(), 'order-kill-run-'));
  const archive = new DicomWebClient({ url: run.archiveUrl });
  const studies = Array.from({ length: run.orders }, (_, place) => `1.2.826.0.2.${run.seed}.${place + 1}`);
  const uidOf = (study: string): string => `${study}.77`;
  const worklist = await startWorklist();
  const port = await freePort();
  const ways = { pull: { worklist: { url: worklist.url } }, push: { accept: true } };
  const configuration = path.join(folder, 'site.yaml');
  const { log: _log, ...config } = await orderNodeConfig(folder, run.archiveUrl, ways[run.way], {
    http: { port },
    queue: { retries: 20, retryDelaySeconds: 1, retryDelayMaxSeconds: 2, takeovers: run.kills },
  });
  await writeFile(configuration, stringify(config));
  let node: ServeProcess = serve(configuration);
  const own = `http://127.0.0.1:${port}/dicom-web/workitems`;

  /** An order placer tries until it is heard; 409 tells that it was. */
  const give = async (study: string): Promise<void> => {
    const item = workitem([inputItem(study)]);
    if (run.way === 'pull') return worklist.place(uidOf(study), item);
    const body = JSON.stringify([{ ...item, '00741000': { vr: 'CS', Value: ['SCHEDULED'] } }]);
    const headers = { 'Content-Type': 'application/dicom+json' };
    for (;;) {
      const answer = await fetch(`${own}?${uidOf(study)}`, { method: 'POST', headers, body }).catch(
        () => undefined,
      );
      if (answer?.status === 201 || answer?.status === 409) return;
      await wait(LOOK_MS);
    }
  };
  const look = async (study: string): Promise<{ states: string[]; output: string[] }> => {
    if (run.way === 'pull') {
      return {
        states: worklist.items.get(uidOf(study))?.states ?? [],
        output: worklist.output(uidOf(study)),
      };
    }
    const answer = await fetch(`${own}/${uidOf(study)}`).catch(() => undefined);
    if (answer?.status !== 200) return { states: [], output: [] };
    const [item] = (await answer.json()) as [Json];
    return { states: [String(item['00741000']?.Value?.[0])], output: outputOf(item) };
  };
  const isOver = async (study: string) => /COMPLETED|CANCELED/.test((await look(study)).states.at(-1) ?? '');

  try {
    let given = 0;
    const giving: Promise<void>[] = [];
    for (let kill = 0; kill < run.kills; kill++) {
      while (given < ((kill + 1) * run.orders) / run.kills) {
        const study = studies[given] ?? '';
        await archive.storeVerified(study, smallCtSeries(study, { PatientID: `P-${study}` }));
        giving.push(give(study));
        given += 1;
      }
      await node.says(READY);
      await wait(random.uniform(0, RUNNING_MS));
      if (!node.isAlive()) throw new Error(`serve ended by itself:\n${node.log()}`);
      await node.kill();
      node = serve(configuration);
    }
    await Promise.all(giving);
    const limit = Date.now() + SETTLE_LIMIT_MS;
    for (const study of studies) {
      while (!(await isOver(study))) {
        if (Date.now() > limit) throw new Error(`${study} is not over:\n${node.log()}`);
        await wait(LOOK_MS);
      }
    }
    const { segmentations, reports } = await storedResults(archive, studies);
    const result: Record<string, number> = {};
    for (const study of studies) {
      const { states, output } = await look(study);
      const finals = states.filter((state) => state === 'COMPLETED' || state === 'CANCELED');
      const stored = [...(segmentations.get(study) ?? []), ...(reports.get(study) ?? [])].toSorted();
      const counts = `${segmentations.get(study)?.length ?? 0} SEG, ${reports.get(study)?.length ?? 0} SR`;
      const isSame = output.join() === stored.join();
      const how = `${finals.join(', ')} ${finals.length === 1 ? 'once' : 'several times'}; ${counts}; the output names ${isSame ? 'exactly these' : output.join()}`;
      result[how] = (result[how] ?? 0) + 1;
    }
    return result;
  } finally {
    await node.kill();
    await worklist.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function outputOf(item: Json): string[] {
  const [performed] = (item['00741216']?.Value ?? []) as Json[];
  return ((performed?.['00404033']?.Value ?? []) as Json[])
    .flatMap((one) => (one['00081199']?.Value ?? []) as Json[])
    .map((one) => String(one['00081155']?.Value?.[0]))
    .toSorted();
}
