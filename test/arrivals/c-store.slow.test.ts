import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import dimse from 'dcmjs-dimse';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  type DimseOptions,
  type DimseServer,
  listenForDimse,
} from '../../src/arrivals/intake/dimse/dimse-server.ts';
import type { Spool, SpoolLimits } from '../../src/arrivals/intake/spool.ts';
import { readInstance, text } from '../../src/dicom/reading/dataset.ts';
import { readMeta } from '../../src/dicom/reading/part10.ts';
import { explicit, joined } from '../support/raw-elements.ts';
import { filesOf, openSpool } from '../support/receiving.ts';
import { describeWith, programPath, shared } from '../support/requires.ts';
import { smallInstance } from '../support/small-instance.ts';

const run = promisify(execFile);

/** Lines of the log, as text: no patient's value may be among them. */
let logged = '';
const line = (fields: object, message: string): void => {
  logged += `${message} ${JSON.stringify(fields)}\n`;
};
const log = { info: line, warn: line, error: line };

let folder: string;
let spool: Spool;
let server: DimseServer;

async function start(options: Partial<DimseOptions> = {}, limits: Partial<SpoolLimits> = {}): Promise<void> {
  folder = await mkdtemp(path.join(tmpdir(), 'c-store-'));
  spool = await openSpool(path.join(folder, 'spool'), limits);
  const defaults = { host: '127.0.0.1', port: 0, aeTitle: 'NODE', callingAeTitles: [], maxAssociations: 2 };
  server = await listenForDimse({ ...defaults, idleMs: 20_000, ...options }, { spool, log });
}

afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Sent {
  readonly code: number;
  readonly output: string;
}

/** Runs a DCMTK program against the node, or against another port; says how it ended and what it printed. */
async function dcmtk(
  program: 'storescu' | 'echoscu',
  parameters: readonly string[],
  files: readonly string[] = [],
  port = server.port,
): Promise<Sent> {
  const all = ['-v', ...parameters, '127.0.0.1', String(port), ...files];
  const done = await run(programPath(program), all).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      output: error.stdout + error.stderr,
    }),
  );
  return done;
}

const SENDER = ['-aet', 'SCANNER1', '-aec', 'NODE'];
const UIDS = { study: '1.2.3', series: '1.2.3.1', sop: '1.2.3.1.1' };

async function fileOf(name: string, bytes: Uint8Array): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, bytes);
  return file;
}

/** The data set behind the file meta information, as it is. */
function dataSet(bytes: Buffer<ArrayBuffer>): Buffer {
  return bytes.subarray(readMeta(bytes, 'the file').end);
}

/** The data sets in the spool, by SOP instance UID. */
async function received(): Promise<Map<string, Buffer>> {
  const entries = spool.waiting.map(
    async ({ sopUid, file }) => [sopUid, dataSet(await readFile(file))] as const,
  );
  return new Map(await Promise.all(entries));
}

describeWith(['storescu'], 'the C-STORE SCP', () => {
  it('answers C-ECHO, also again and again in one association', async () => {
    await start();
    const { code, output } = await dcmtk('echoscu', [...SENDER, '--repeat', '5']);
    expect(code).toBe(0);
    expect(output.match(/Received Echo Response \(Success\)/g)).toHaveLength(5);
  });

  it('takes an instance, says from whom it has it, and is not confused by an echo before', async () => {
    await start();
    const file = await fileOf('one.dcm', smallInstance(UIDS));
    expect((await dcmtk('storescu', SENDER, [file])).output).toContain('Received Store Response (Success)');
    expect(spool.waiting).toMatchObject([
      { sopUid: UIDS.sop, source: { kind: 'dimse', callingAeTitle: 'SCANNER1' } },
    ]);
    // Who it came from is known after a restart too: the file meta information says it.
    const again = await openSpool(path.join(folder, 'spool'));
    expect(again.waiting).toMatchObject([
      { sopUid: UIDS.sop, source: { kind: 'dimse', callingAeTitle: 'SCANNER1' } },
    ]);
  });

  it('refuses associations that call another title, or come from one that is not configured, with the reason', async () => {
    await start({ callingAeTitles: ['SCANNER1'] });
    const wrongCalled = await dcmtk('echoscu', ['-aet', 'SCANNER1', '-aec', 'OTHER']);
    expect(wrongCalled.output).toMatch(/Rejected Permanent[^]*Called AE Title Not Recognized/);
    const wrongCalling = await dcmtk('echoscu', ['-aet', 'SCANNER2', '-aec', 'NODE']);
    expect(wrongCalling.output).toMatch(/Rejected Permanent[^]*Calling AE Title Not Recognized/);
    expect([wrongCalled.code, wrongCalling.code]).not.toContain(0);
    expect((await dcmtk('echoscu', SENDER)).code).toBe(0);
  });

  it('rejects associations beyond the limit for now, and takes them when another has ended', async () => {
    await start({ maxAssociations: 1 });
    const file = await fileOf('one.dcm', smallInstance(UIDS));
    const holding = spawn(programPath('storescu'), [
      '-v',
      ...SENDER,
      '--repeat',
      '100000',
      '127.0.0.1',
      String(server.port),
      file,
    ]);
    await until(() => spool.figures.waiting > 0);
    const { code, output } = await dcmtk('echoscu', SENDER);
    expect(code).not.toBe(0);
    expect(output).toMatch(/Rejected Transient[^]*Local Limit Exceeded/);
    holding.kill('SIGKILL');
    await once(holding, 'exit');
    await until(async () => (await dcmtk('echoscu', SENDER)).code === 0);
    // What broke off in the middle leaves nothing behind.
    expect((await filesOf(path.join(folder, 'spool'))).filter((name) => name.startsWith('incoming'))).toEqual(
      [],
    );
  });

  it('answers A700 where the spool is full, the disk short or the instance too large; the association goes on', async () => {
    const small = smallInstance(UIDS);
    await start({}, { maxInstanceBytes: 2000, maxSpoolBytes: small.length * 1.8 });
    const large = smallInstance({ ...UIDS, sop: '1.2.3.1.2' }, pixels(1000));
    const files = [
      await fileOf('1-large.dcm', large),
      await fileOf('2-small.dcm', small),
      await fileOf('3-small.dcm', smallInstance({ ...UIDS, sop: '1.2.3.1.3' })),
    ];
    const { output } = await dcmtk('storescu', ['--no-halt', ...SENDER], files);
    const statuses = output.match(/Received Store Response \(([^)]*)\)/g);
    expect(statuses).toEqual([
      expect.stringMatching(/Refused: OutOfResources/),
      expect.stringMatching(/Success/),
      expect.stringMatching(/Refused: OutOfResources/),
    ]);
    expect(spool.figures).toMatchObject({ waiting: 1 });
  });

  it('answers A900 to a data set that is not the instance of its command, C000 to what is unreadable', async () => {
    await start();
    const cut = smallInstance({ ...UIDS, series: 'x' });
    const { output } = await dcmtk('storescu', SENDER, [await fileOf('cut.dcm', cut)]);
    expect(output).toMatch(/Received Store Response \(Error: CannotUnderstand/);
    const file = await fileOf('one.dcm', smallInstance(UIDS));
    expect(await storeAs('1.2.3.1.9', file)).toBe(0xa900);
    expect(await storeAs(UIDS.sop, file)).toBe(0);
    expect(spool.waiting).toMatchObject([{ sopUid: UIDS.sop }]);
  });

  it('passes a large instance to the disk without holding it in memory', async () => {
    await start();
    const [megabytes, columns] = [120, 1000];
    const small = Buffer.from(
      smallInstance(UIDS, { Rows: megabytes * 500, Columns: columns, PixelData: new ArrayBuffer(8) }),
    );
    small.writeUInt32LE(megabytes * 1e6, small.length - 12);
    const file = await fileOf('large.dcm', small);
    await truncate(file, small.length - 8 + megabytes * 1e6);
    const before = process.memoryUsage().rss;
    let peak = before;
    const watching = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 10);
    expect((await dcmtk('storescu', SENDER, [file])).output).toContain('(Success)');
    clearInterval(watching);
    expect(spool.figures.bytes).toBeGreaterThan(megabytes * 1e6);
    expect(peak - before).toBeLessThan((megabytes * 1e6) / 2);
  });

  it('survives senders whose bytes are damaged, and takes nothing that is not whole', async () => {
    await start({ maxAssociations: 50 });
    const file = await fileOf('one.dcm', smallInstance(UIDS));
    const conversation = await recorded(file);
    for (const instance of spool.waiting) await spool.remove(instance);
    const damage = fc.tuple(
      fc.nat(conversation.length - 1),
      fc.uint8Array({ minLength: 1, maxLength: 8 }),
      fc.nat(9).map((number) => number === 0), // now and then the rest is missing
    );
    await fc.assert(
      fc.asyncProperty(damage, async ([at, bytes, cutThere]) => {
        const damaged = Buffer.from(conversation);
        damaged.set(bytes.subarray(0, damaged.length - at), at);
        const socket = connect(server.port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.resume();
        socket.end(cutThere ? damaged.subarray(0, at) : damaged);
        await once(socket, 'close');
      }),
      { numRuns: 300 },
    );
    expect((await dcmtk('echoscu', SENDER)).code).toBe(0);
    await until(async () => (await filesOf(path.join(folder, 'spool'))).length === spool.figures.waiting);
    // What was taken is an instance: the damage was in its pixels, its names, or in a command that nothing
    // depends on.
    for (const { file: kept } of spool.waiting) {
      expect(() => readInstance(readFileSync(kept), kept)).not.toThrow();
    }
  });

  it('ends connections that send what is no DICOM message, without growing', async () => {
    await start();
    const before = process.memoryUsage().rss;
    const flood = Buffer.alloc(64 * 1024);
    const messages = [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from([1, 0, 0xff, 0xff, 0xff, 0xff]), // an association request of 4 GB
      Buffer.from([4, 0, 0x7f, 0xff, 0xff, 0xff]),
    ];
    for (const message of messages) {
      const socket = connect(server.port, '127.0.0.1');
      const closed = once(socket, 'close').catch(() => undefined);
      socket.on('error', () => undefined);
      socket.write(message);
      while (!socket.destroyed && socket.writable) {
        if (!socket.write(flood)) await Promise.race([once(socket, 'drain'), closed]).catch(() => undefined);
      }
      socket.destroy();
      await closed;
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
    expect((await dcmtk('echoscu', SENDER)).code).toBe(0);
  });
});

/** What storescu sends to the node, from the first byte to the last. */
async function recorded(file: string): Promise<Buffer> {
  const sent: Buffer[] = [];
  const between = createServer((socket) => {
    socket.on('data', (chunk) => sent.push(chunk));
    const onward = connect(server.port, '127.0.0.1');
    for (const end of [socket, onward]) end.on('error', () => undefined);
    socket.pipe(onward).pipe(socket);
  });
  between.listen(0, '127.0.0.1');
  await once(between, 'listening');
  const { port } = between.address() as AddressInfo;
  expect((await dcmtk('storescu', SENDER, [file], port)).code).toBe(0);
  between.close();
  return Buffer.concat(sent);
}

/** Sends a file under a SOP instance UID of one's own; resolves with the status of the answer. */
async function storeAs(sopUid: string, file: string): Promise<number> {
  const request = new dimse.requests.CStoreRequest(file);
  request.setAffectedSopInstanceUid(sopUid);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  request.on('response', (response: { getStatus(): number }) => resolve(response.getStatus()));
  const client = new dimse.Client();
  client.on('networkError', reject);
  client.addRequest(request);
  client.send('127.0.0.1', server.port, 'SCANNER1', 'NODE');
  return promise;
}

function pixels(edge: number): Record<string, unknown> {
  return { Rows: edge, Columns: edge, PixelData: new ArrayBuffer(edge * edge * 2) };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await wait(20);
}

/** DCMTK's own receiver, which writes what comes from the network bit by bit. */
describeWith(['storescu', 'shared'], 'what comes by C-STORE', () => {
  let reference: ChildProcess;
  let referencePort: number;
  let referenceFolder: string;

  beforeAll(async () => {
    referenceFolder = await mkdtemp(path.join(tmpdir(), 'storescp-'));
    referencePort = 20_000 + (process.pid % 20_000);
    reference = spawn(programPath('storescp'), [
      '--bit-preserving',
      '+xa',
      '-od',
      referenceFolder,
      String(referencePort),
    ]);
    await until(async () => (await dcmtk('echoscu', [], [], referencePort)).code === 0);
  });
  afterAll(async () => {
    reference.kill();
    await rm(referenceFolder, { recursive: true });
  });

  it('is byte for byte what DCMTK receives: deflated, big endian, compressed, Japanese and private elements', async () => {
    await start();
    logged = '';
    const privateElements = joined(
      explicit(0x0009_0010, 'LO', 'MAKER OF SCANNERS'),
      explicit(0x0009_1001, 'UN', [1, 2, 3, 4]),
      explicit(0x0009_1002, 'LO', 'SECRET^PATIENT'),
    );
    const files = [
      ['-xd', shared('data/transfer-syntaxes', named('DeflatedExplicitVRLittleEndian', '1.2.1.99'))],
      ['-xb', shared('data/transfer-syntaxes', named('BigEndianExplicit', '1.2.2'))],
      ['-xi', shared('data/transfer-syntaxes', named('LittleEndianImplicit', '1.2'))],
      ['-xt', shared('data/transfer-syntaxes', named('JPEGLSLossless', '1.2.4.80'))],
      ['-xr', shared('data/transfer-syntaxes', named('RLELossless', '1.2.5'))],
      ['-xe', shared('data/charsets/chrJapMulti.dcm')],
      ['-xe', await fileOf('private.dcm', withPrivate(smallInstance(UIDS), privateElements))],
    ] as const;
    const names: string[] = [];
    for (const [index, [proposal, file]] of files.entries()) {
      // Instances of one UID each: most of the samples share theirs.
      const sop = `1.2.3.4.${index}`;
      const copy = await fileOf(`${index}.dcm`, await readFile(file));
      const proposing = [proposal, '--required', ...SENDER];
      await run(programPath('dcmodify'), ['-nb', '-m', `SOPInstanceUID=${sop}`, copy]);
      await completed(copy);
      expect((await dcmtk('storescu', proposing, [copy])).output).toContain('(Success)');
      expect((await dcmtk('storescu', proposing, [copy], referencePort)).output).toContain('(Success)');
      names.push(sop);
    }
    const here = await received();
    expect([...here.keys()].sort()).toEqual(names);
    for (const name of await filesOf(referenceFolder)) {
      const bytes = await readFile(path.join(referenceFolder, name));
      const sop = text(readInstance(bytes, name).dataset, 'SOPInstanceUID') ?? '';
      expect(here.get(sop)?.equals(dataSet(bytes)), name).toBe(true);
    }
    expect(
      spool.waiting.map(({ transferSyntaxUid }) => transferSyntaxUid.slice('1.2.840.10008.'.length)),
    ).toEqual(['1.2.1.99', '1.2.2', '1.2', '1.2.4.80', '1.2.5', '1.2.1', '1.2.1']);
    expect(logged).not.toMatch(/SECRET|Doe|Yamada|MAKER/);
  });
});

describeWith(['storescu', 'shared'], 'a sender that proposes several transfer syntaxes at once', () => {
  it('has the one accepted that it names first, so that nothing is converted on the way', async () => {
    await start();
    const deflated = shared('data/transfer-syntaxes', named('DeflatedExplicitVRLittleEndian', '1.2.1.99'));
    const { output } = await dcmtk('storescu', ['-xd', '--required', '--combine', ...SENDER], [deflated]);
    expect(output).toContain('(Success)');
    expect(spool.waiting).toMatchObject([{ transferSyntaxUid: '1.2.840.10008.1.2.1.99' }]);
  });
});

const named = (name: string, uid: string): string =>
  `CTImage.dcm_${name}TransferSyntax_1.2.840.10008.${uid}.dcm`;

/** Puts elements in front of those of group 0010. */
function withPrivate(bytes: Uint8Array, elements: Uint8Array): Uint8Array {
  const at = Buffer.from(bytes).indexOf(Buffer.from([0x10, 0, 0x10, 0, 0x50, 0x4e]));
  return joined(bytes.subarray(0, at), elements, bytes.subarray(at));
}

/** Samples of character sets have no study. */
async function completed(file: string): Promise<void> {
  for (const keyword of ['StudyInstanceUID', 'SeriesInstanceUID']) {
    await run(programPath('dcmodify'), ['-nb', '-m', `${keyword}=1.2.3.4`, file]).catch(() => undefined);
  }
}
