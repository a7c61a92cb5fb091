import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readInstance, text } from '../dicom/dataset.ts';
import { type JsonDataset, toDicomJson } from './dicom-json.ts';

/** Everything about an instance that requests need beside its bytes: kept in a file next to it. */
export interface InstanceHeader {
  readonly version: typeof HEADER_VERSION;
  readonly studyUid: string;
  readonly seriesUid: string;
  readonly sopUid: string;
  readonly sopClassUid: string;
  readonly transferSyntaxUid: string;
  /** Bytes of the file. */
  readonly size: number;
  /** SHA-256, in hexadecimal digits, of transfer syntax and data set; the file meta information may differ. */
  readonly digest: string;
  readonly frameCount: number;
  /** The data set without bulk data. */
  readonly dataset: JsonDataset;
}

/** Raised when this file's form changes: headers of another version are made again from the instances. */
const HEADER_VERSION = 1;

const element = z.object({
  vr: z.string(),
  Value: z.array(z.unknown()).exactOptional(),
  InlineBinary: z.string().exactOptional(),
});
const storedHeader = z.object({
  version: z.literal(HEADER_VERSION),
  studyUid: z.string(),
  seriesUid: z.string(),
  sopUid: z.string(),
  sopClassUid: z.string(),
  transferSyntaxUid: z.string(),
  size: z.number(),
  digest: z.string(),
  frameCount: z.number(),
  dataset: z.record(z.string(), element),
});

/** A header as its file has it; undefined where the file is torn, or of another version. */
export function parseHeader(json: string): InstanceHeader | undefined {
  try {
    return storedHeader.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}

/** Why bytes cannot be stored: they are no DICOM instance, or one that could never be asked for. */
export class UnreadableInstance extends Error {
  override readonly name = 'UnreadableInstance';
  /** Where the bytes were good enough to tell. */
  readonly sopUid: string | undefined;
  readonly sopClassUid: string | undefined;

  constructor(message: string, sopUid?: string, sopClassUid?: string, options?: ErrorOptions) {
    super(message, options);
    this.sopUid = sopUid;
    this.sopClassUid = sopClassUid;
  }
}

/** @throws UnreadableInstance */
export function headerOf(bytes: Uint8Array): InstanceHeader {
  const { dataset, transferSyntaxUid, frames } = readOrRefuse(bytes);
  const [studyUid, seriesUid, sopUid, sopClassUid] = [
    'StudyInstanceUID',
    'SeriesInstanceUID',
    'SOPInstanceUID',
    'SOPClassUID',
  ].map((keyword) => uidOrNothing(text(dataset, keyword)));
  if (!studyUid || !seriesUid || !sopUid || !sopClassUid) {
    throw new UnreadableInstance(
      'study, series, SOP instance or SOP class UID is missing or no UID',
      sopUid,
      sopClassUid,
    );
  }
  return {
    version: HEADER_VERSION,
    studyUid,
    seriesUid,
    sopUid,
    sopClassUid,
    transferSyntaxUid,
    size: bytes.length,
    digest: digestOf(bytes, transferSyntaxUid),
    frameCount: frames.length,
    dataset: toDicomJson(dataset),
  };
}

function readOrRefuse(bytes: Uint8Array): ReturnType<typeof readInstance> {
  try {
    return readInstance(bytes, 'the instance');
  } catch (cause) {
    // Whatever hostile bytes make of the reader, the fault is theirs.
    throw new UnreadableInstance(
      cause instanceof Error ? cause.message : 'unreadable',
      undefined,
      undefined,
      { cause },
    );
  }
}

/** PS3.5 section 9.1; no more than what a path of WADO-RS can carry. */
function uidOrNothing(value: string | undefined): string | undefined {
  return value !== undefined && /^[0-9.]{1,64}$/.test(value) ? value : undefined;
}

const META_START = 132;
/** (0002,0000) with VR UL, a length of 4 and its value: 12 bytes. */
const GROUP_LENGTH_BYTES = 12;

/** Senders put file meta information of their own before the same data set; that makes no other instance. */
function digestOf(bytes: Uint8Array, transferSyntaxUid: string): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isGroupLength =
    bytes.length > META_START + GROUP_LENGTH_BYTES && view.getUint32(META_START, true) === 0x0000_0002;
  const metaEnd = isGroupLength
    ? META_START + GROUP_LENGTH_BYTES + view.getUint32(META_START + 8, true)
    : META_START;
  return createHash('sha256').update(transferSyntaxUid).update(bytes.subarray(metaEnd)).digest('hex');
}
