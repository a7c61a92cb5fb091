import { createReadStream } from 'node:fs';
import { messageOf } from '../../coded-error.ts';
import { wholeAnswer } from '../../http-client/whole-answer.ts';
import type { ArchiveAccess } from './archive-access.ts';
import { archiveError } from './errors.ts';
import { type BodyPart, multipartBody } from './multipart-writer.ts';
import { isAnswerToStore, type StoreOutcome, storeOutcome } from './store-answer.ts';

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
    super(messageOf(cause), { cause });
    this.path = path;
  }
}

/**
 * One STOW-RS request (PS3.18 10.5) whose instances are read from files while they are sent: memory does not
 * grow with them.
 * @returns the archive's word, also where instances failed
 * @throws DicomError DICOM_WEB_UNREACHABLE, DICOM_WEB_STATUS, DICOM_WEB_ANSWER; UnreadableFile; the signal's
 * reason where it
 *   was aborted
 */
export async function storeFiles(
  access: ArchiveAccess,
  files: readonly FileToStore[],
  signal: AbortSignal | undefined,
): Promise<StoreOutcome> {
  const url = `${access.url}/studies`;
  const { contentType, contentLength, chunks } = multipartBody('application/dicom', files.map(partOf), {
    partLengths: false,
  });
  const request = access.request(url, {
    kind: 'store',
    method: 'POST',
    headers: { Accept: 'application/dicom+json', 'Content-Type': contentType },
    body: { length: contentLength, chunks },
    accepts: isAnswerToStore,
    signal,
  });
  try {
    const { status, bytes } = await wholeAnswer(request);
    return storeOutcome(access, url, { status, body: new TextDecoder().decode(bytes) });
  } catch (error) {
    throw archiveError(url, error);
  }
}

const partOf = (file: FileToStore): BodyPart => ({
  contentType: 'application/dicom',
  size: file.size,
  content: () => contentOf(file),
});

/** To the size that was announced: what a file has grown, or lost, would break the message. */
async function* contentOf({ path, size }: FileToStore): AsyncGenerator<Uint8Array> {
  if (size === 0) return;
  let left = size;
  try {
    for await (const chunk of createReadStream(path, { end: size - 1 }) as AsyncIterable<Uint8Array>) {
      left -= chunk.length;
      yield chunk;
    }
    if (left > 0) throw new Error(`the file lacks ${left} of ${size} bytes`);
  } catch (cause) {
    throw new UnreadableFile(path, cause);
  }
}
