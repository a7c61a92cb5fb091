import { type BodyPart, type MultipartBody, multipartBody } from '../dicom/web/multipart-writer.ts';
import { type AcceptedType, includesType, parseAccept } from './accept.ts';
import { ArchiveError } from './archive-error.ts';
import type { JsonDataset } from './dicom-json.ts';
import type { IndexedInstance } from './instance-index.ts';
import type { InstanceStore } from './instance-store.ts';

const DICOM = 'application/dicom';
export const DICOM_JSON = 'application/dicom+json';
export const PIXEL_DATA = '7FE00010';

/** A body of one of the forms that WADO-RS knows. */
export type RetrievedBody = Omit<MultipartBody, 'contentLength'> & { readonly contentLength?: number };

/**
 * WADO-RS retrieval of instances (PS3.18 10.4) in their stored transfer syntaxes. Nothing is transcoded: a
 * request that names no transfer syntax, which by the standard asks for Explicit VR Little Endian, gets what
 * is stored too.
 * @throws ArchiveError ARCHIVE_NOT_ACCEPTABLE where Accept insists on another transfer syntax or media type
 */
export function retrieveInstances(
  store: InstanceStore,
  instances: readonly IndexedInstance[],
  accept: string | undefined,
): RetrievedBody {
  const parts = instances.map((instance) => dicomPart(store, instance));
  const [only] = parts;
  for (const accepted of parseAccept(accept)) {
    if (
      !includesType(accepted.type, DICOM) ||
      !instances.every((one) => allows(accepted, one.transferSyntaxUid))
    ) {
      continue;
    }
    if (accepted.multipart) return multipartBody(DICOM, parts, { partLengths: true });
    if (only && parts.length === 1) return singlePart(only);
  }
  throw notAcceptable('instances', `${DICOM} in the stored transfer syntax`);
}

export function notAcceptable(what: string, offered: string): ArchiveError {
  return new ArchiveError(
    'ARCHIVE_NOT_ACCEPTABLE',
    406,
    `${what} can be given only as ${offered}; this archive does not transcode`,
  );
}

function allows({ transferSyntax }: AcceptedType, stored: string): boolean {
  return transferSyntax === undefined || transferSyntax === '*' || transferSyntax === stored;
}

export function singlePart(part: BodyPart): RetrievedBody {
  return { contentType: part.contentType, contentLength: part.size, chunks: once(part) };
}

async function* once(part: BodyPart): AsyncGenerator<Uint8Array> {
  yield* part.content();
}

function dicomPart(store: InstanceStore, { sopUid, transferSyntaxUid, size }: IndexedInstance): BodyPart {
  return {
    contentType: `${DICOM}; transfer-syntax=${transferSyntaxUid}`,
    size,
    content: () => store.files.stream(sopUid),
  };
}

/**
 * WADO-RS metadata (PS3.18 10.4.1.1.2): the data sets in DICOM JSON; pixel data is a BulkDataURI.
 * @throws ArchiveError ARCHIVE_NOT_ACCEPTABLE
 */
export function retrieveMetadata(
  store: InstanceStore,
  instances: readonly IndexedInstance[],
  accept: string | undefined,
  baseUrl: string,
): RetrievedBody {
  const acceptable = parseAccept(accept).some(
    ({ type }) => includesType(type, DICOM_JSON) || includesType(type, 'application/json'),
  );
  if (!acceptable) throw notAcceptable('metadata', DICOM_JSON);
  return { contentType: DICOM_JSON, chunks: metadataChunks(store, instances, baseUrl) };
}

async function* metadataChunks(
  store: InstanceStore,
  instances: readonly IndexedInstance[],
  baseUrl: string,
): AsyncGenerator<Uint8Array> {
  for (const [index, instance] of instances.entries()) {
    const header = await store.files.readHeader(instance.sopUid);
    const dataset = header.hasPixelData
      ? { ...header.dataset, ...pixelDataReference(header.dataset, instance, baseUrl) }
      : header.dataset;
    yield Buffer.from(`${index === 0 ? '[' : ',\n'}${JSON.stringify(dataset)}`);
  }
  yield Buffer.from(']');
}

function pixelDataReference(dataset: JsonDataset, instance: IndexedInstance, baseUrl: string): JsonDataset {
  const { studyUid, seriesUid, sopUid } = instance;
  const series = `${baseUrl}/studies/${studyUid}/series/${seriesUid}`;
  const BulkDataURI = `${series}/instances/${sopUid}/bulkdata/${PIXEL_DATA}`;
  const isWords = Number(dataset['00280100']?.Value?.[0]) > 8; // BitsAllocated
  return { [PIXEL_DATA]: { vr: isWords ? 'OW' : 'OB', BulkDataURI } };
}
