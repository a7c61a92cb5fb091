import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib';
import { AnswerError } from './errors.ts';

const DECODERS = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
} as const;

/** What some servers call an encoding, and is none. */
const NO_ENCODING = /^(identity|none|binary|[78]bit|utf-?8|us-ascii|iso-8859-\d+)$/;

/**
 * A body as it was before its Content-Encoding (RFC 9110 section 8.4). None is asked for; some servers and
 * proxies use one all the same.
 * @throws AnswerError where the encoding is not known, or the body is not in it; what reading the body throws
 */
export function decoded(
  body: AsyncIterable<Uint8Array>,
  contentEncoding: string | undefined,
): AsyncIterable<Uint8Array> {
  const encodings = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && !NO_ENCODING.test(encoding));
  if (encodings.length > MOST_ENCODINGS) throw unknownEncoding(encodings.join(', '));
  // The last that was applied is undone first.
  return encodings.reduceRight<AsyncIterable<Uint8Array>>((coded, encoding) => {
    if (!isKnown(encoding)) throw unknownEncoding(encoding);
    return inflated(coded, encoding);
  }, body);
}

const MOST_ENCODINGS = 2;

function unknownEncoding(encoding: string): AnswerError {
  return new AnswerError(`the answer is encoded as "${encoding}", which was not asked for`);
}

const isKnown = (encoding: string): encoding is keyof typeof DECODERS => Object.hasOwn(DECODERS, encoding);

async function* inflated(
  body: AsyncIterable<Uint8Array>,
  encoding: keyof typeof DECODERS,
): AsyncGenerator<Uint8Array> {
  let failure: unknown;
  const pieces = remembering(body, (error) => (failure = error));
  const first = await pieces.next();
  // An answer without a body has no encoding, whatever its head says.
  if (first.done) return;
  const decoder = decoderFor(encoding, first.value);
  const source = Readable.from(withFirst(first.value, pieces));
  pipeline(source, decoder).catch(() => undefined); // the reading side below says it
  try {
    yield* decoder as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw failure ?? new AnswerError(`the answer says that it is ${encoding}, and is not`, { cause });
  } finally {
    decoder.destroy();
    source.destroy();
  }
}

/** Of what is called deflate, half is the bare stream, without the two bytes of zlib (RFC 9110 8.4.1.2). */
function decoderFor(encoding: keyof typeof DECODERS, [first = 0, second]: Uint8Array): Transform {
  const isZlib = (first & 0x0f) === 8 && (second === undefined || ((first << 8) | second) % 31 === 0);
  return encoding === 'deflate' && !isZlib ? createInflateRaw() : DECODERS[encoding]();
}

async function* withFirst(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

/** Tells a connection that broke from a body that is no such encoding. */
async function* remembering(
  body: AsyncIterable<Uint8Array>,
  failed: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    failed(error);
    throw error;
  }
}
