import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { DicomError } from '../dicom/dicom-error.ts';
import { text } from '../dicom/reading/dataset.ts';
import { type InstanceFile, readInstanceFile } from '../dicom/reading/instance-file.ts';
import { isUid } from '../dicom/uids.ts';
import { type JsonDataset, toDicomJson } from './dicom-json.ts';
import { INDEXED_TAGS } from './search-attributes.ts';

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
  /** SHA-256 (hexadecimal) of transfer syntax and data set; the file meta information may differ. */
  readonly digest: string;
  readonly hasPixelData: boolean;
  /** The data set without bulk data; of a header that was just made, what is searched for alone. */
  readonly dataset: JsonDataset;
}

/** Raised when this file's form changes: headers of another version are made again from the instances. */
const HEADER_VERSION = 2;

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
  hasPixelData: z.boolean(),
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

/** Why a file cannot be stored: it is no DICOM instance, or one that could never be asked for. */
export class UnreadableInstance extends Error {
  override readonly name = 'UnreadableInstance';
  /** Where it was good enough to tell. */
  readonly sopUid: string | undefined;
  readonly sopClassUid: string | undefined;

  constructor(message: string, sopUid?: string, sopClassUid?: string, options?: ErrorOptions) {
    super(message, options);
    this.sopUid = sopUid;
    this.sopClassUid = sopClassUid;
  }
}

/** A header that was made from a file. */
export interface MadeHeader {
  readonly header: InstanceHeader;
  /** All of it, as its file keeps it. */
  readonly json: string;
}

/** Answers to the metadata of instances are put together in memory. */
const MAX_JSON_LENGTH = 16 * 1024 * 1024;

/**
 * The header of a file of any size: its pixels are not taken into memory. Large ones take seconds: the node
 * asks `headerOf` of header-pool.ts.
 * @throws UnreadableInstance
 */
export async function makeHeader(path: string): Promise<MadeHeader> {
  const header = await readHeader(path);
  const json = JSON.stringify(header);
  if (json.length > MAX_JSON_LENGTH) {
    throw new UnreadableInstance(
      'its header is larger than this archive takes',
      header.sopUid,
      header.sopClassUid,
    );
  }
  return { header: { ...header, dataset: searched(header.dataset) }, json };
}

/** Own results are known by their model's name, which is not searched for. */
const MANUFACTURER_MODEL_NAME = '00081090';

function searched(dataset: JsonDataset): JsonDataset {
  const tags = [...INDEXED_TAGS, MANUFACTURER_MODEL_NAME];
  return Object.fromEntries(
    tags.flatMap((tag) => {
      const found = dataset[tag];
      return found ? [[tag, found] as const] : [];
    }),
  );
}

async function readHeader(path: string): Promise<InstanceHeader> {
  const file = await readOrRefuse(path);
  const [studyUid, seriesUid, sopUid, sopClassUid] = [
    'StudyInstanceUID',
    'SeriesInstanceUID',
    'SOPInstanceUID',
    'SOPClassUID',
  ].map((keyword) => uidOrNothing(text(file.dataset, keyword)));
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
    transferSyntaxUid: file.transferSyntaxUid,
    size: file.size,
    digest: await digestOf(path, file),
    hasPixelData: file.hasPixelData,
    dataset: toDicomJson(file.dataset),
  };
}

async function readOrRefuse(path: string): Promise<InstanceFile> {
  try {
    return await readInstanceFile(path, 'the instance');
  } catch (cause) {
    if (!(cause instanceof DicomError)) throw cause;
    throw new UnreadableInstance(cause.message, undefined, undefined, { cause });
  }
}

function uidOrNothing(value: string | undefined): string | undefined {
  return value !== undefined && isUid(value) ? value : undefined;
}

/** Each sender writes its own file meta information before the same data set: the instance is the same. */
async function digestOf(path: string, { transferSyntaxUid, datasetOffset }: InstanceFile): Promise<string> {
  const hash = createHash('sha256').update(transferSyntaxUid);
  for await (const chunk of createReadStream(path, { start: datasetOffset }) as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
  }
  return hash.digest('hex');
}
