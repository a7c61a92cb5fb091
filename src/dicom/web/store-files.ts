import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Connections, connectionReason, DIRECT } from './connections.ts';
import { badAnswer, DicomWebStatusError, unreachable } from './errors.ts';
import { readStoreAnswer, type StoreOutcome } from './store-answer.ts';

/** A DICOM file (PS3.10) that does not change while it is sent. */
export interface FileToStore {
  readonly path: string;
  readonly size: number;
}

/** One of the files is no longer what it was; the archive has nothing to do with that. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.path = path;
  }
}

export interface StoreFilesRequest {
  /** Address of the STOW-RS service. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Longest time without a byte to or from the archive, in ms. */
  readonly timeoutMs: number;
  readonly connections?: Connections | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Statuses of STOW-RS whose body says which instances were stored: PS3.18 10.5.3, and Orthanc's 400. */
const SAYING_WHAT_WAS_STORED: ReadonlySet<number> = new Set([200, 202, 400, 409]);
/** A thousand instances take half a megabyte of an answer. */
const LARGEST_ANSWER_BYTES = 16 * 1024 * 1024;

/**
 * One STOW-RS request (PS3.18 10.5) whose instances are read from files while they are sent: memory does not grow with
 * them. Content-Length is sent, as old archives lose chunked bodies.
 * @returns the archive's word, also where instances failed
 * @throws DicomError DICOM_WEB_UNREACHABLE, DICOM_WEB_STATUS, DICOM_WEB_ANSWER; UnreadableFile; the signal's reason where it
 *   was aborted
 */
export async function storeFiles(
  request: StoreFilesRequest,
  files: readonly FileToStore[],
): Promise<StoreOutcome> {
  const { url, signal } = request;
  try {
    const answer = await exchange(request, files);
    const status = answer.statusCode ?? 0;
    const text = await readText(answer);
    const outcome = SAYING_WHAT_WAS_STORED.has(status) ? readStoreAnswer(status, text) : undefined;
    if (outcome) return outcome;
    if (status >= 200 && status < 300) {
      throw badAnswer(url, `answered ${status} to STOW-RS without saying what was stored`);
    }
    throw new DicomWebStatusError(url, status, answer.headers['retry-after']);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ConnectionError) throw unreachable(url, error.message, error.cause);
    throw error;
  }
}

class ConnectionError extends Error {
  override readonly name = 'ConnectionError';

  constructor(cause: unknown) {
    super(connectionReason(cause), { cause });
  }
}

/** Sends the request; resolves with the head of the answer, which may come before everything is sent. */
async function exchange(
  { url, headers, timeoutMs, connections = DIRECT, signal }: StoreFilesRequest,
  files: readonly FileToStore[],
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { contentType, contentLength, chunks } = multipartOf(files, reject);
  const sent = connections.request(url, {
    method: 'POST',
    headers: {
      ...headers,
      Accept: 'application/dicom+json',
      'Content-Type': contentType,
      'Content-Length': contentLength,
    },
    timeout: timeoutMs,
    ...(signal ? { signal } : {}),
  });
  sent.once('timeout', () => sent.destroy(new Error(`no data within ${timeoutMs / 1000} s`)));
  sent.once('response', resolve);
  sent.on('error', (error) => reject(new ConnectionError(error)));
  // An archive that refuses may answer and close before it has read everything: its answer counts, not the broken pipe.
  pipeline(Readable.from(chunks), sent, { end: true }).catch((error: unknown) => {
    if (!sent.destroyed) sent.destroy(error instanceof Error ? error : undefined);
  });
  return promise;
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > LARGEST_ANSWER_BYTES) {
        answer.destroy();
        break;
      }
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new ConnectionError(cause);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * A multipart/related body (RFC 2387) of files.
 * @param onUnreadable told before the body breaks off, so that this is not taken for a lost connection
 */
function multipartOf(files: readonly FileToStore[], onUnreadable: (error: UnreadableFile) => void) {
  const boundary = randomUUID();
  const head = Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`);
  const between = Buffer.from('\r\n');
  const end = Buffer.from(`--${boundary}--\r\n`);
  const content = files.reduce((sum, { size }) => sum + head.length + size + between.length, 0);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const file of files) {
      yield head;
      yield* contentOf(file, onUnreadable);
      yield between;
    }
    yield end;
  }
  return {
    contentType: `multipart/related; type="application/dicom"; boundary=${boundary}`,
    contentLength: content + end.length,
    chunks: chunks(),
  };
}

/** To the size that was announced: what a file has grown, or lost, would break the message. */
async function* contentOf(
  { path, size }: FileToStore,
  onUnreadable: (error: UnreadableFile) => void,
): AsyncGenerator<Uint8Array> {
  if (size === 0) return;
  let left = size;
  try {
    for await (const chunk of createReadStream(path, { end: size - 1 }) as AsyncIterable<Uint8Array>) {
      left -= chunk.length;
      yield chunk;
    }
    if (left > 0) throw new Error(`the file lacks ${left} of ${size} bytes`);
  } catch (cause) {
    const error = new UnreadableFile(path, cause);
    onUnreadable(error);
    throw error;
  }
}
