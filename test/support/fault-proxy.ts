import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { readInstance, text } from '../../src/dicom/reading/dataset.ts';
import { multipartBoundary, splitMultipart } from '../../src/dicom/web/multipart.ts';
import { collect } from './collect.ts';

/** What a request of the DICOMweb service asks for. */
const OPERATIONS = [
  'studies',
  'series',
  'seriesMetadata',
  'retrieveSeries',
  'instances',
  'instanceMetadata',
  'retrieveInstance',
  'store',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export const FAULTS = [
  'refused', // the connection is reset, and for a while no other is taken
  'resetInRequest', // reset while the request's body is on its way; the archive sees nothing of it
  'resetInAnswer', // the archive has done what was asked; its answer breaks off with a reset
  'status500',
  'status503',
  'status429', // with Retry-After
  'stalled', // no answer at all
  'stalledHalfway', // half of an answer, and then nothing
  'truncated', // half of an answer that ends as if it were whole
  'wrongBoundary', // the type names another boundary than the body has
  'htmlPage', // 200 with a page of HTML
  'corrupted', // one byte of the pixels is another one
  'storedSome202', // the last instance of a request is not stored, and the answer says so
  'storedSome409',
  'storedSome400', // as Orthanc has it
  'storedSomeSilently', // the last instance is not stored, but the answer says that it is
] as const;
export type Fault = (typeof FAULTS)[number];

export interface ProxiedRequest {
  readonly operation: Operation | undefined;
  /** Of its path. */
  readonly study: string | undefined;
  /** Of its path, without a query. */
  readonly path: string;
}

interface LoggedRequest extends ProxiedRequest {
  readonly fault: Fault | undefined;
  /** SOP instance UIDs that a STOW-RS request brought. */
  readonly sent: readonly string[];
}

export interface FaultProxy {
  /** Root of the DICOMweb service, through the proxy. */
  readonly url: string;
  readonly log: readonly LoggedRequest[];
  /** From now on no connection is taken, until `accept`. */
  refuse(): void;
  accept(): Promise<void>;
  stop(): Promise<void>;
}

export interface FaultProxyOptions {
  /** How long no connection is taken after `refused`. */
  readonly refusedForMs?: number;
  readonly retryAfterSeconds?: number;
}

const HTML = '<!doctype html><title>Sign in</title><h1>Sign in</h1>';
/** FailureReason "processing failure" (PS3.18 table I.2-2). */
const PROCESSING_FAILURE = 0x0110;

/**
 * A proxy before a DICOMweb archive that does to each request what `plan` says; without a fault it passes on.
 * Requests and answers are held whole: it is for small data.
 */
export async function startFaultProxy(
  archiveUrl: string,
  plan: (request: ProxiedRequest) => Fault | undefined,
  { refusedForMs = 500, retryAfterSeconds = 1 }: FaultProxyOptions = {},
): Promise<FaultProxy> {
  const log: LoggedRequest[] = [];
  const root = new URL(archiveUrl).pathname;
  const sockets = new Set<net.Socket>();
  const answers = http.createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  // The listener comes and goes while the requests behind it go on.
  let listener: net.Server | undefined;
  const accept = async (port: number): Promise<number> => {
    listener ??= net.createServer((socket) => {
      sockets.add(socket.on('close', () => sockets.delete(socket)));
      answers.emit('connection', socket);
    });
    if (!listener.listening) {
      listener.listen(port, '127.0.0.1');
      await once(listener, 'listening');
    }
    return (listener.address() as AddressInfo).port;
  };
  const refuse = (): void => {
    listener?.close();
    listener = undefined;
  };
  const port = await accept(0);
  let isClosed = false;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = describe(request, root);
    const fault = plan(asked);
    if (fault === 'resetInRequest') {
      log.push({ ...asked, fault, sent: [] });
      await once(request, 'readable');
      request.socket.resetAndDestroy();
      return;
    }
    const body = await buffer(request);
    const parts = asked.operation === 'store' ? await partsOf(request, body) : [];
    log.push({ ...asked, fault, sent: parts.map(sopOf) });
    const pass = (kept: Uint8Array = body) => passOn(archiveUrl, root, request, kept);
    switch (fault) {
      case undefined:
        return send(response, await pass());
      case 'refused':
        refuse();
        request.socket.resetAndDestroy();
        await wait(refusedForMs);
        if (!isClosed) await accept(port);
        return;
      case 'resetInAnswer':
        await sendHalf(response, await pass());
        request.socket.resetAndDestroy();
        return;
      case 'status500':
      case 'status503':
      case 'status429': {
        const headers = fault === 'status429' ? { 'Retry-After': String(retryAfterSeconds) } : {};
        response.writeHead(Number(fault.slice('status'.length)), headers).end('not now');
        return;
      }
      case 'stalled':
        return;
      case 'stalledHalfway':
        await sendHalf(response, await pass());
        return;
      case 'truncated':
        await sendHalf(response, await pass());
        response.end();
        return;
      case 'wrongBoundary':
        return send(
          response,
          withType(await pass(), 'multipart/related; type="application/dicom"; boundary=no'),
        );
      case 'htmlPage':
        response.writeHead(200, { 'Content-Type': 'text/html' }).end(HTML);
        return;
      case 'corrupted':
        return send(response, corrupted(await pass()));
      case 'storedSome202':
      case 'storedSome409':
      case 'storedSome400':
      case 'storedSomeSilently': {
        const kept = parts.slice(0, -1);
        if (kept.length > 0) await pass(multipart(request, kept));
        const isSilent = fault === 'storedSomeSilently';
        const status = isSilent ? 200 : Number(fault.slice('storedSome'.length));
        const answered = storeAnswer(isSilent ? parts : kept, isSilent ? [] : parts.slice(-1));
        response.writeHead(status, { 'Content-Type': 'application/dicom+json' }).end(answered);
      }
    }
  }

  return {
    url: `http://127.0.0.1:${port}${root}`,
    log,
    refuse: () => {
      isClosed = true;
      refuse();
    },
    accept: async () => {
      isClosed = false;
      await accept(port);
    },
    stop: async () => {
      isClosed = true;
      refuse();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A plan of one fault for the first requests that match; all others pass. */
export function firstRequests(
  fault: Fault,
  matches: (request: ProxiedRequest) => boolean,
  times = 1,
): (request: ProxiedRequest) => Fault | undefined {
  let left = times;
  return (request) => {
    if (left === 0 || !matches(request)) return undefined;
    left -= 1;
    return fault;
  };
}

const PATHS: readonly [Operation, RegExp][] = [
  ['studies', /^\/studies$/],
  ['series', /^\/studies\/([\d.]+)\/series$/],
  ['seriesMetadata', /^\/studies\/([\d.]+)\/series\/[\d.]+\/metadata$/],
  ['retrieveSeries', /^\/studies\/([\d.]+)\/series\/[\d.]+$/],
  ['instances', /^\/studies\/([\d.]+)\/series\/[\d.]+\/instances$/],
  ['instanceMetadata', /^\/studies\/([\d.]+)\/series\/[\d.]+\/instances\/[\d.]+\/metadata$/],
  ['retrieveInstance', /^\/studies\/([\d.]+)\/series\/[\d.]+\/instances\/[\d.]+$/],
];

function describe({ method, url = '' }: IncomingMessage, root: string): ProxiedRequest {
  const path = url.slice(root.length).replace(/\?.*$/, '');
  if (method === 'POST') {
    return { operation: 'store', study: /^\/studies\/([\d.]+)$/.exec(path)?.[1], path };
  }
  for (const [operation, form] of PATHS) {
    const match = form.exec(path);
    if (match) return { operation, study: match[1], path };
  }
  return { operation: undefined, study: undefined, path };
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

async function passOn(
  archiveUrl: string,
  root: string,
  { method, url = '', headers }: IncomingMessage,
  body: Uint8Array,
): Promise<Answer> {
  const { host: _host, connection: _connection, 'transfer-encoding': _encoding, ...kept } = headers;
  const length = body.length > 0 ? { 'content-length': String(body.length) } : {};
  const onward = http.request(archiveUrl + url.slice(root.length), {
    method,
    headers: { ...kept, ...length },
    agent: false,
  });
  onward.end(body);
  const [answered] = (await once(onward, 'response')) as [IncomingMessage];
  return { status: answered.statusCode ?? 0, headers: answered.headers, body: await buffer(answered) };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  const { 'transfer-encoding': _encoding, connection: _connection, ...kept } = headers;
  response.writeHead(status, { ...kept, 'content-length': String(body.length) }).end(body);
}

/** Chunked, so that nothing but its content tells that it is not whole. */
async function sendHalf(response: ServerResponse, { status, headers, body }: Answer): Promise<void> {
  const type = headers['content-type'];
  response.writeHead(status, type === undefined ? {} : { 'content-type': type });
  response.flushHeaders();
  await new Promise<void>((sent) => response.write(body.subarray(0, body.length / 2), () => sent()));
}

const withType = (answered: Answer, type: string): Answer => ({
  ...answered,
  headers: { ...answered.headers, 'content-type': type },
});

/** The last byte of the last part lies before its delimiter: a pixel, in what we store. */
function corrupted(answered: Answer): Answer {
  const body = Buffer.from(answered.body);
  const end = body.lastIndexOf('\r\n--') - 2;
  body[end] = (body[end] ?? 0) ^ 0xff;
  return { ...answered, body };
}

async function partsOf({ headers }: IncomingMessage, body: Buffer): Promise<Uint8Array[]> {
  const parts = await collect(splitMultipart(asStream(body), multipartBoundary(headers['content-type'])));
  return parts.map(({ bytes }) => bytes);
}

async function* asStream(body: Buffer): AsyncGenerator<Uint8Array> {
  yield body;
}

function multipart({ headers }: IncomingMessage, parts: readonly Uint8Array[]): Buffer {
  const boundary = multipartBoundary(headers['content-type']);
  const head = `--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`;
  const pieces = parts.flatMap((part) => [Buffer.from(head), part, Buffer.from('\r\n')]);
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}

const sopOf = (bytes: Uint8Array): string =>
  text(readInstance(bytes, 'sent').dataset, 'SOPInstanceUID') ?? '';

function storeAnswer(stored: readonly Uint8Array[], failed: readonly Uint8Array[]): string {
  const item = (bytes: Uint8Array) => ({ '00081155': { vr: 'UI', Value: [sopOf(bytes)] } });
  const reason = { '00081197': { vr: 'US', Value: [PROCESSING_FAILURE] } };
  return JSON.stringify({
    ...(failed.length > 0
      ? { '00081198': { vr: 'SQ', Value: failed.map((bytes) => ({ ...item(bytes), ...reason })) } }
      : {}),
    ...(stored.length > 0 ? { '00081199': { vr: 'SQ', Value: stored.map(item) } } : {}),
  });
}
