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

export interface SentStudy {
  readonly instances: number;
  /** Bytes of pixels of each; a multiple of 2000. */
  readonly pixelBytes: number;
}

export interface ReceiveMeasure {
  /** How much larger the process was at its largest than before, from the first byte until the archive had all of it. */
  readonly growthBytes: number;
  /** From the first byte sent to the answer. */
  readonly seconds: number;
}

const BOUNDARY = 'boundary-of-the-study';
const HEAD = Buffer.from(`--${BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n`);
const LINE_END = Buffer.from('\r\n');
const END = Buffer.from(`--${BOUNDARY}--\r\n`);
const ZEROS = Buffer.alloc(64 * 1024);

/** Sends studies by STOW-RS to a node that runs as its users run it, an archive behind it. Linux only. */
export async function measureReceive(studies: readonly SentStudy[]): Promise<ReceiveMeasure[]> {
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
    const deliver = async (study: SentStudy, uid: string): Promise<number> => {
      const started = performance.now();
      await send(`http://127.0.0.1:${port}/dicom-web/studies`, study, uid);
      const seconds = (performance.now() - started) / 1000;
      while ((await readdir(path.join(spool, 'ready'))).length > 0) await wait(50);
      return seconds;
    };
    await deliver({ instances: 20, pixelBytes: 500_000 }, '2.25.1'); // everything is loaded after that
    const measures: ReceiveMeasure[] = [];
    for (const [index, study] of studies.entries()) {
      await writeFile(`/proc/${node.pid}/clear_refs`, '5'); // the peak begins anew
      const before = await memoryOf(node.pid, 'VmRSS');
      const seconds = await deliver(study, `2.25.${index + 2}`);
      measures.push({ growthBytes: (await memoryOf(node.pid, 'VmHWM')) - before, seconds });
    }
    return measures;
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
  const headers = Array.from({ length: study.instances }, (_, i) => headerOf(uid, i, study.pixelBytes));
  const length = headers.reduce(
    (sum, header) => sum + HEAD.length + header.length + study.pixelBytes + LINE_END.length,
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
  await pipeline(Readable.from(body(headers, study.pixelBytes)), sent);
  const [answer] = await answered;
  answer.resume();
  if (answer.statusCode !== 200) throw new Error(`the node answered ${answer.statusCode}`);
}

function* body(headers: readonly Uint8Array[], pixelBytes: number): Generator<Uint8Array> {
  for (const header of headers) {
    yield HEAD;
    yield header;
    for (let left = pixelBytes; left > 0; left -= ZEROS.length) {
      yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
    }
    yield LINE_END;
  }
  yield END;
}

/** An instance up to its pixels, which are said to have so many bytes. The node has no use for its modality. */
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
