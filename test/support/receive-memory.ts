import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { startEmbeddedArchive } from './archives.ts';
import { freePort } from './free-port.ts';
import { serve } from './serve-process.ts';
import { smallInstance } from './small-instance.ts';

/** Bytes of pixels of each instance: multiples of 2000, below 131 million, as Rows has 16 bits. */
export type SentStudy = readonly number[];

export interface ReceiveMeasure {
  /**
   * How much larger the process was at its largest than before, from the first byte until the archive had all
   * of it.
   */
  readonly growthBytes: number;
  /** From the first byte sent to the answer. */
  readonly seconds: number;
}

const BOUNDARY = 'boundary-of-the-study';
const HEAD = Buffer.from(`--${BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n`);
const LINE_END = Buffer.from('\r\n');
const END = Buffer.from(`--${BOUNDARY}--\r\n`);
const ZEROS = Buffer.alloc(64 * 1024);

/** 500 MB: many small instances, and some large ones. */
export const STUDY_OF_500_MB: SentStudy = [...Array<number>(600).fill(500_000), 100_000_000, 100_000_000];

/** Sends a study by STOW-RS to a node that runs as its users run it, an archive behind it. Linux only. */
export async function measureReceive(study: SentStudy): Promise<ReceiveMeasure> {
  const folder = await mkdtemp(path.join(tmpdir(), 'receive-memory-'));
  const archive = await startEmbeddedArchive();
  const [port, spool] = [await freePort(), path.join(folder, 'spool')];
  const configuration = path.join(folder, 'node.yaml');
  const sections = {
    archive: { kind: 'dicomweb', url: archive.url },
    database: { folder: path.join(folder, 'database') },
    audit: { folder: path.join(folder, 'audit') },
    intake: { spoolFolder: spool },
    watch: { schedule: '0 0 0 29 2 *', stableForSeconds: 3600 },
    http: { port },
  };
  await writeFile(configuration, JSON.stringify(sections)); // JSON is YAML too
  const node = serve(configuration);
  try {
    await node.says(/the node is running/);
    const deliver = async (instances: SentStudy, uid: string): Promise<number> => {
      const started = performance.now();
      await send(`http://127.0.0.1:${port}/dicom-web/studies`, instances, uid);
      const seconds = (performance.now() - started) / 1000;
      while ((await readdir(path.join(spool, 'ready'))).length > 0) await wait(50);
      return seconds;
    };
    await deliver(Array<number>(20).fill(500_000), '2.25.1'); // everything is loaded after that
    await writeFile(`/proc/${node.pid}/clear_refs`, '5'); // the peak begins anew
    const before = await memoryOf(node.pid, 'VmRSS');
    const seconds = await deliver(study, '2.25.2');
    return { growthBytes: (await memoryOf(node.pid, 'VmHWM')) - before, seconds };
  } finally {
    await node.kill();
    await archive.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function memoryOf(pid: number | undefined, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
}

async function send(url: string, study: SentStudy, uid: string): Promise<void> {
  const instances = study.map((pixelBytes, index) => ({
    header: headerOf(uid, index, pixelBytes),
    pixelBytes,
  }));
  const length = instances.reduce(
    (sum, { header, pixelBytes }) => sum + HEAD.length + header.length + pixelBytes + LINE_END.length,
    END.length,
  );
  const sent = request(url, {
    method: 'POST',
    headers: {
      'Content-Type': `multipart/related; type="application/dicom"; boundary=${BOUNDARY}`,
      'Content-Length': length,
    },
  });
  const answered = once(sent, 'response');
  await pipeline(Readable.from(body(instances)), sent);
  const [answer] = await answered;
  answer.resume();
  if (answer.statusCode !== 200) throw new Error(`the node answered ${answer.statusCode}`);
}

type Sent = { readonly header: Uint8Array; readonly pixelBytes: number };

function* body(instances: readonly Sent[]): Generator<Uint8Array> {
  for (const { header, pixelBytes } of instances) {
    yield HEAD;
    yield header;
    for (let left = pixelBytes; left > 0; left -= ZEROS.length) {
      yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
    }
    yield LINE_END;
  }
  yield END;
}

/**
 * An instance up to its pixels, which are said to have so many bytes. The node has no use for its modality.
 */
function headerOf(uid: string, index: number, pixelBytes: number): Uint8Array {
  const pixels = 8;
  const bytes = Buffer.from(
    smallInstance(
      { study: uid, series: `${uid}.1`, sop: `${uid}.1.${index + 1}` },
      { Modality: 'OT', Rows: pixelBytes / 2000, Columns: 1000, PixelData: new ArrayBuffer(pixels) },
    ),
  );
  bytes.writeUInt32LE(pixelBytes, bytes.length - pixels - 4);
  return bytes.subarray(0, -pixels);
}
