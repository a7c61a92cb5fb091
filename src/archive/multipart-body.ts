import { randomUUID } from 'node:crypto';

/** A part of which only the size is known before it is written. */
export interface BodyPart {
  readonly contentType: string;
  readonly size: number;
  /** Its bytes, fetched when it is their turn. */
  content(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export interface MultipartBody {
  readonly contentType: string;
  /** Of the whole body: without it, clients cannot tell an answer that was cut off from a complete one. */
  readonly contentLength: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** A multipart/related body (RFC 2387, PS3.18 8.6.1.2) of parts that are read one at a time. */
export function multipartBody(type: string, parts: readonly BodyPart[]): MultipartBody {
  const boundary = randomUUID();
  const headers = parts.map((part, index) =>
    Buffer.from(
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\n` +
        `Content-Type: ${part.contentType}\r\nContent-Length: ${part.size}\r\n\r\n`,
    ),
  );
  const end = Buffer.from(`\r\n--${boundary}--\r\n`);
  const sizes = [...headers.map((header) => header.length), ...parts.map((part) => part.size), end.length];
  return {
    contentType: `multipart/related; type="${type}"; boundary=${boundary}`,
    contentLength: sizes.reduce((sum, size) => sum + size, 0),
    chunks: chunksOf(parts, headers, end),
  };
}

async function* chunksOf(
  parts: readonly BodyPart[],
  headers: readonly Uint8Array[],
  end: Uint8Array,
): AsyncGenerator<Uint8Array> {
  for (const [index, part] of parts.entries()) {
    yield headers[index] ?? end;
    yield* part.content();
  }
  yield end;
}
