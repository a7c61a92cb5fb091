import { setImmediate } from 'node:timers/promises';
import { type DicomDataset, type Instance, number, requiredText, text, texts } from '../dataset.ts';
import { DicomError } from '../errors.ts';
import { canDecode, decodeFrame } from '../pixels/pixels.ts';
import { isAlwaysLossy, transferSyntaxName } from '../pixels/transfer-syntaxes.ts';
import type { Volume } from '../volume.ts';
import { planeGeometry, stackPlanes } from './geometry.ts';
import { readRescale, rescaleInto } from './rescale.ts';

/** Where one plane of a volume came from. */
export interface SourceSlice {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  /** Counted from 1; only for multi-frame instances. */
  readonly frameNumber?: number;
  /** The instance's header, without pixel data. */
  readonly dataset: DicomDataset;
}

/** A series as one volume in patient space. `slices[k]` is plane k. */
export interface SeriesVolume {
  /** Real values: HU for CT. In-plane as stored: x along columns, y along rows; planes ascend along row x column. */
  readonly volume: Volume<Int16Array | Float32Array>;
  readonly slices: readonly SourceSlice[];
  /** Whether the pixels went through lossy compression at any time. */
  readonly lossy: boolean;
  readonly warnings: readonly string[];
}

const CT_IMAGE = '1.2.840.10008.5.1.4.1.1.2';
const MR_IMAGE = '1.2.840.10008.5.1.4.1.1.4';
const ENHANCED_IMAGES: ReadonlySet<string> = new Set([
  '1.2.840.10008.5.1.4.1.1.2.1',
  '1.2.840.10008.5.1.4.1.1.2.2',
  '1.2.840.10008.5.1.4.1.1.4.1',
  '1.2.840.10008.5.1.4.1.1.4.4',
]);

/**
 * Builds the volume of one series from its classic CT or MR images, in any order.
 * Voxels are Int16 where slope and intercept of every slice are integers and all values fit, else Float32.
 * Throws DICOM_ATTRIBUTE where identity, place or value of a slice would be a guess, DICOM_GEOMETRY where the slices
 * make no even volume, DICOM_TRANSFER_SYNTAX and DICOM_UNREADABLE for their pixels.
 */
export async function buildVolume(instances: readonly Instance[]): Promise<SeriesVolume> {
  if (instances.length === 0) throw new DicomError('DICOM_GEOMETRY', 'the series has no images');
  for (const instance of instances) checkImage(instance);
  const warnings = checkSeries(instances);
  const planes = instances.map(({ dataset, source }) => planeGeometry(dataset, source));
  const { order, size, affine } = stackPlanes(planes);
  const sorted = order.flatMap((i) => instances[i] ?? []);
  const voxels = await decodeVoxels(sorted, size[0] * size[1]);
  return {
    volume: { voxels, size, affine },
    slices: sorted.map(({ dataset, source }) => ({
      sopClassUid: requiredText(dataset, 'SOPClassUID', source),
      sopInstanceUid: requiredText(dataset, 'SOPInstanceUID', source),
      dataset,
    })),
    lossy: instances.some(isLossy),
    warnings,
  };
}

/** Refuses what is no classic, grey CT or MR image with pixels that can be decoded. */
function checkImage({ dataset, frames, transferSyntaxUid, source }: Instance): void {
  const refuse = (what: string) => new DicomError('DICOM_ATTRIBUTE', `${source}: ${what}`);
  const sopClass = requiredText(dataset, 'SOPClassUID', source);
  if (ENHANCED_IMAGES.has(sopClass)) {
    throw refuse(`SOPClassUID ${sopClass} is an enhanced multi-frame image, which is not read yet`);
  }
  if (sopClass !== CT_IMAGE && sopClass !== MR_IMAGE) {
    throw refuse(`SOPClassUID ${sopClass} is neither a CT nor an MR image`);
  }
  const photometric = requiredText(dataset, 'PhotometricInterpretation', source);
  if (photometric !== 'MONOCHROME2') {
    throw refuse(`PhotometricInterpretation is ${photometric}; only MONOCHROME2 is read`);
  }
  if ((number(dataset, 'NumberOfFrames') ?? 1) !== 1) {
    throw refuse(`NumberOfFrames is ${text(dataset, 'NumberOfFrames')}, needs 1 in this SOP class`);
  }
  if (frames.length === 0) throw new DicomError('DICOM_UNREADABLE', `${source}: there is no PixelData`);
  if (!canDecode(transferSyntaxUid)) {
    // Said here, before a long series is half decoded.
    const name = transferSyntaxName(transferSyntaxUid);
    throw new DicomError('DICOM_TRANSFER_SYNTAX', `${source}: no decoder for ${name}`);
  }
}

/** Refuses images that do not belong together; returns warnings. */
function checkSeries(instances: readonly Instance[]): string[] {
  for (const keyword of ['StudyInstanceUID', 'SeriesInstanceUID', 'Modality']) {
    refuseDifferent(instances, keyword, ({ dataset, source }) => requiredText(dataset, keyword, source));
  }
  refuseSeveralPatients(instances);
  const frameOfReference = refuseDifferent(
    instances,
    'FrameOfReferenceUID',
    ({ dataset }) => text(dataset, 'FrameOfReferenceUID') ?? '',
  );
  const seen = new Map<string, string>();
  for (const { dataset, source } of instances) {
    const uid = requiredText(dataset, 'SOPInstanceUID', source);
    const other = seen.get(uid);
    if (other !== undefined) {
      throw new DicomError(
        'DICOM_GEOMETRY',
        `${other} and ${source} are the same instance: SOPInstanceUID ${uid}`,
      );
    }
    seen.set(uid, source);
  }
  const warnings: string[] = [];
  if (frameOfReference === '')
    warnings.push('FrameOfReferenceUID is missing: other series cannot be laid over this one');
  const units = new Set(instances.flatMap(({ dataset }) => texts(dataset, 'RescaleType')));
  const isCt = instances.some(({ dataset }) => text(dataset, 'Modality') === 'CT');
  const strange = [...units].filter((unit) => unit !== 'HU');
  if (isCt && strange.length > 0) warnings.push(`RescaleType is ${strange.join(', ')}: values may not be HU`);
  return warnings;
}

/** Returns the value that all instances share. */
function refuseDifferent(
  instances: readonly Instance[],
  keyword: string,
  valueOf: (instance: Instance) => string,
): string {
  const sources = new Map<string, string>();
  for (const instance of instances) {
    const value = valueOf(instance);
    if (!sources.has(value)) sources.set(value, instance.source);
  }
  const [first = '', ...others] = sources.keys();
  if (others.length > 0) {
    const examples = [...sources].slice(0, 3).map(([value, source]) => `${value || 'none'} in ${source}`);
    throw new DicomError(
      'DICOM_GEOMETRY',
      `the slices are not of one series: ${keyword} is ${examples.join(', ')}`,
    );
  }
  return first;
}

/** What tells patients apart (PS3.3 C.7.1.1). */
const IDENTITY = ['PatientID', 'IssuerOfPatientID', 'PatientBirthDate'] as const;

/** A result carries one patient's name: slices of two under one series UID must never get that far. */
function refuseSeveralPatients(instances: readonly Instance[]): void {
  const [first] = instances;
  for (const keyword of IDENTITY) {
    const other = instances.find(
      ({ dataset }) => text(dataset, keyword) !== (first && text(first.dataset, keyword)),
    );
    // Without the values: messages go to logs, which hold no patient data.
    if (first && other) {
      const message = `${first.source} and ${other.source} are not of one patient: ${keyword} differs`;
      throw new DicomError('DICOM_ATTRIBUTE', message);
    }
  }
}

function isLossy({ dataset, transferSyntaxUid }: Instance): boolean {
  // Once lossy, always lossy: the attribute stays 01 when the image is stored uncompressed again (PS3.3 C.7.6.1.1.5).
  return isAlwaysLossy(transferSyntaxUid) || text(dataset, 'LossyImageCompression') === '01';
}

/** Decodes frame by frame into one array, so that a series is in memory once as pixels. */
async function decodeVoxels(
  sorted: readonly Instance[],
  pixelsPerPlane: number,
): Promise<Int16Array | Float32Array> {
  const rescales = sorted.map(({ dataset, source }) => readRescale(dataset, source));
  const integer = rescales.every(
    ({ slope, intercept }) => Number.isInteger(slope) && Number.isInteger(intercept),
  );
  const length = sorted.length * pixelsPerPlane;
  let voxels = integer ? new Int16Array(length) : new Float32Array(length);
  for (const [plane, instance] of sorted.entries()) {
    const rescale = rescales[plane];
    if (!rescale) continue;
    const stored = await decodeFrame(instance, 0);
    const offset = plane * pixelsPerPlane;
    if (!rescaleInto(voxels, offset, stored, rescale)) {
      voxels = Float32Array.from(voxels);
      rescaleInto(voxels, offset, stored, rescale);
    }
    await setImmediate(); // a server in the same process answers between frames
  }
  return voxels;
}
