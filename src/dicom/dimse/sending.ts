import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { type DicomDataset, requiredText } from '../reading/dataset.ts';
import { readForeignFile } from '../reading/foreign-instances.ts';
import { readMeta, readValues } from '../reading/part10.ts';
import { TRANSFER_SYNTAX } from '../reading/transfer-syntaxes.ts';
import { type FileToStore, UnreadableFile } from '../web/store-files.ts';
import { implicitPieces } from '../writing/implicit.ts';
import type { NamedInstance } from './services/commitment.ts';
import { isStoredStatus, STATUS } from './services/status.ts';
import { store } from './services/store.ts';
import type { Association, Proposal } from './wire/association.ts';

const { explicitLittleEndian, implicitLittleEndian } = TRANSFER_SYNTAX;
const SOP_CLASS_NOT_SUPPORTED = 0x0122;
/** The UIDs of an instance, and the size of its pixels, which is looked at with them. */
const UID_TAGS = ['00080016', '00080018', '0020000D', '0020000E'] as const;
const SIZE_TAGS = ['00280002', '00280008', '00280010', '00280011', '00280100'] as const;
const BEHIND_UIDS = 0x0028;

/** An instance to send: its data set as it is written, read while it is sent. */
export interface ToSend extends NamedInstance {
  readonly transferSyntaxUid: string;
  readonly dataSet: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** All of it at once, where it is in memory. */
  readonly bytes?: Uint8Array;
}

export interface Sent {
  /** SOP instance UIDs. */
  readonly stored: readonly string[];
  readonly failed: readonly { readonly sopInstanceUid: string; readonly reason: number }[];
}

/** An instance as a file (PS3.10) in memory. @throws DICOM_UNREADABLE, DICOM_ATTRIBUTE */
export function fromBytes(file: Uint8Array, source: string): ToSend {
  const { dataset, transferSyntaxUid } = readValues(file, source, new Set(UID_TAGS), {
    beforeGroup: BEHIND_UIDS,
  });
  const whole = file.buffer instanceof ArrayBuffer ? (file as Uint8Array<ArrayBuffer>) : new Uint8Array(file);
  const bytes = whole.subarray(readMeta(whole, source).end);
  return { ...namesOf(dataset, source), transferSyntaxUid, dataSet: () => [bytes], bytes };
}

/**
 * An instance in a file, which is read while it is sent.
 * @throws UnreadableFile, DICOM_UNREADABLE, DICOM_ATTRIBUTE
 */
export async function fromFile({ path, size }: FileToStore): Promise<ToSend> {
  const source = 'a file to send';
  await access(path).catch((cause: unknown) => {
    throw new UnreadableFile(path, cause);
  });
  const file = await readForeignFile(path, source, [...UID_TAGS, ...SIZE_TAGS]);
  const { dataset, transferSyntaxUid, datasetOffset } = file;
  return {
    ...namesOf(dataset, source),
    transferSyntaxUid,
    dataSet: () => contentOf(path, datasetOffset, size),
  };
}

const namesOf = (dataset: DicomDataset, source: string): NamedInstance => ({
  sopClassUid: requiredText(dataset, 'SOPClassUID', source),
  sopInstanceUid: requiredText(dataset, 'SOPInstanceUID', source),
  studyInstanceUid: requiredText(dataset, 'StudyInstanceUID', source),
  seriesInstanceUid: requiredText(dataset, 'SeriesInstanceUID', source),
});

async function* contentOf(path: string, start: number, size: number): AsyncGenerator<Uint8Array> {
  let left = size - start;
  try {
    for await (const chunk of createReadStream(path, { start, end: size - 1 }) as AsyncIterable<Uint8Array>) {
      left -= chunk.length;
      yield chunk;
    }
    if (left > 0) throw new Error(`the file lacks ${left} of ${size} bytes`);
  } catch (cause) {
    throw new UnreadableFile(path, cause);
  }
}

/** One context for each class and the syntax that it is written in; uncompressed ones in implicit VR too. */
export function sendingProposals(instances: readonly ToSend[]): Proposal[] {
  const pairs = new Map<string, Proposal>();
  for (const { sopClassUid, transferSyntaxUid, bytes } of instances) {
    const syntaxes = [transferSyntaxUid];
    if (transferSyntaxUid === explicitLittleEndian && bytes) syntaxes.push(implicitLittleEndian);
    for (const uid of syntaxes)
      pairs.set(`${sopClassUid} ${uid}`, { sopClassUid, transferSyntaxUids: [uid] });
  }
  return [...pairs.values()];
}

/** Sends them one after the other. @throws ConnectionLost, MalformedPdu; UnreadableFile */
export async function send(association: Association, instances: readonly ToSend[]): Promise<Sent> {
  const stored: string[] = [];
  const failed: { sopInstanceUid: string; reason: number }[] = [];
  for (const instance of instances) {
    const { sopInstanceUid } = instance;
    const { status } = (await sendOne(association, instance)) ?? { status: SOP_CLASS_NOT_SUPPORTED };
    if (isStoredStatus(status)) stored.push(sopInstanceUid);
    else failed.push({ sopInstanceUid, reason: status || STATUS.processingFailure });
  }
  return { stored, failed };
}

/** @returns undefined where the other side accepts no context for it */
async function sendOne(association: Association, instance: ToSend) {
  const { sopClassUid, transferSyntaxUid, dataSet, bytes } = instance;
  const asWritten = association.contextOf(sopClassUid, transferSyntaxUid);
  if (asWritten) return store(association, asWritten.id, instance, dataSet());
  if (!bytes || transferSyntaxUid !== explicitLittleEndian) return undefined;
  const implicit = association.contextOf(sopClassUid, implicitLittleEndian);
  return implicit && store(association, implicit.id, instance, implicitPieces(bytes));
}
