import { DicomError } from '../dicom-error.ts';
import { isLossyCodestream } from '../pixels/codestream.ts';
import { canDecode } from '../pixels/pixels.ts';
import { REPLACEMENT } from '../reading/character-sets.ts';
import { type DicomDataset, type Instance, number, requiredText, text, texts } from '../reading/dataset.ts';
import { isAlwaysLossy, TRANSFER_SYNTAX, transferSyntaxName } from '../reading/transfer-syntaxes.ts';
import { MAX_UID_LENGTH } from '../uids.ts';
import { isEnhanced } from './image-frame.ts';

/** The modality of each SOP class that is read: classic, enhanced, and enhanced by conversion (PS3.4 B.5). */
const MODALITIES: ReadonlyMap<unknown, 'CT' | 'MR'> = new Map([
  ['1.2.840.10008.5.1.4.1.1.2', 'CT'],
  ['1.2.840.10008.5.1.4.1.1.2.1', 'CT'],
  ['1.2.840.10008.5.1.4.1.1.2.2', 'CT'],
  ['1.2.840.10008.5.1.4.1.1.4', 'MR'],
  ['1.2.840.10008.5.1.4.1.1.4.1', 'MR'],
  ['1.2.840.10008.5.1.4.1.1.4.4', 'MR'],
]);

/**
 * CT or MR, from the SOP class, or from Modality where the class is missing; undefined for everything else.
 */
export function modalityOf(dataset: DicomDataset): 'CT' | 'MR' | undefined {
  const sopClass = text(dataset, 'SOPClassUID');
  if (sopClass !== undefined) return MODALITIES.get(sopClass);
  const modality = text(dataset, 'Modality');
  return modality === 'CT' || modality === 'MR' ? modality : undefined;
}

/** Refuses what is no grey CT or MR image with pixels that can be decoded. */
export function checkImage({ dataset, frames, transferSyntaxUid, source }: Instance): void {
  const refuse = (what: string) => new DicomError('DICOM_ATTRIBUTE', `${source}: ${what}`);
  const real = ['FloatPixelData', 'DoubleFloatPixelData'].find((keyword) => keyword in dataset);
  if (real !== undefined) {
    throw refuse(`its pixels are ${real}, real numbers as of maps: only PixelData of CT and MR is read`);
  }
  if (modalityOf(dataset) === undefined) {
    const sopClass = text(dataset, 'SOPClassUID');
    if (sopClass !== undefined) throw refuse(`SOPClassUID ${sopClass} is neither a CT nor an MR image`);
    const modality = requiredText(dataset, 'Modality', source);
    throw refuse(`SOPClassUID is missing or empty, and Modality ${modality} is neither CT nor MR`);
  }
  const photometric = text(dataset, 'PhotometricInterpretation') ?? 'MONOCHROME2';
  if (photometric !== 'MONOCHROME2' && photometric !== 'MONOCHROME1') {
    throw refuse(`PhotometricInterpretation is ${photometric}: only grey images are read`);
  }
  if (!isEnhanced(dataset) && (number(dataset, 'NumberOfFrames') ?? 1) !== 1) {
    throw refuse(`NumberOfFrames is ${text(dataset, 'NumberOfFrames')}, needs 1 in this SOP class`);
  }
  if (frames.length === 0) throw new DicomError('DICOM_UNREADABLE', `${source}: there is no PixelData`);
  if (!canDecode(transferSyntaxUid)) {
    // Refused here, before a long series is half decoded.
    const name = transferSyntaxName(transferSyntaxUid);
    throw new DicomError('DICOM_TRANSFER_SYNTAX', `${source}: no decoder for ${name}`);
  }
}

/** Transfer syntaxes whose codestream says whether it is lossy. */
const MAY_BE_LOSSY: ReadonlySet<string> = new Set([TRANSFER_SYNTAX.jpeg2000, TRANSFER_SYNTAX.htj2k]);

/** Whether an image went through lossy compression at any time, as far as anything in it says so. */
export function isLossy({ dataset, frames, transferSyntaxUid }: Instance): boolean {
  // Once lossy, always lossy: the attribute stays 01 when the image is stored uncompressed again (PS3.3
  // C.7.6.1.1.5).
  if (isAlwaysLossy(transferSyntaxUid) || text(dataset, 'LossyImageCompression') === '01') return true;
  const [frame] = frames;
  return MAY_BE_LOSSY.has(transferSyntaxUid) && frame !== undefined && isLossyCodestream(frame);
}

/** What a result must name to be stored beside its images. */
const IDENTIFIERS = ['SOPClassUID', 'SOPInstanceUID', 'StudyInstanceUID', 'SeriesInstanceUID'] as const;

/**
 * Refuses a UID that is longer than any UID may be (PS3.5 9.1): cut to that length, it would name something
 * else, and whole, no archive would take a result that refers to it.
 */
export function refuseLongUids(instances: readonly Pick<Instance, 'dataset' | 'source'>[]): void {
  for (const { dataset, source } of instances) {
    for (const keyword of [...IDENTIFIERS, 'FrameOfReferenceUID']) {
      const length = text(dataset, keyword)?.length ?? 0;
      if (length <= MAX_UID_LENGTH) continue;
      const what = `${keyword} has ${length} characters, where a UID has ${MAX_UID_LENGTH} at most`;
      throw new DicomError('DICOM_ATTRIBUTE', `${source}: ${what}: no result can refer to the images`);
    }
  }
}

/** What must be read right, where it is stated, to say whose images these are. */
const PATIENT_IDENTIFIERS = ['PatientID', 'IssuerOfPatientID'] as const;

/**
 * What is missing for saying whose images these are and referring to them; empty where nothing is. Such
 * images have a volume, but no DICOM result may be made of them.
 */
export function identityProblems(instances: readonly Pick<Instance, 'dataset' | 'source'>[]): string[] {
  const missing = (dataset: DicomDataset) =>
    IDENTIFIERS.filter((keyword) => text(dataset, keyword) === undefined);
  const unreadable = (dataset: DicomDataset) =>
    PATIENT_IDENTIFIERS.filter((keyword) => isGarbled(dataset, keyword));
  return [
    ...describeProblem(instances, 'missing or empty, but needed for identity', missing),
    ...describeProblem(instances, 'cannot be read in this SpecificCharacterSet', unreadable),
  ];
}

function describeProblem(
  instances: readonly Pick<Instance, 'dataset' | 'source'>[],
  problem: string,
  concerned: (dataset: DicomDataset) => readonly string[],
): string[] {
  const kinds = Map.groupBy(instances, ({ dataset }) => concerned(dataset).join(', '));
  return [...kinds].flatMap(([keywords, [first, ...others]]) => {
    if (keywords === '' || !first) return [];
    const more = others.length > 0 ? ` and ${others.length} more` : '';
    return [`${first.source}${more}: ${problem}: ${keywords}`];
  });
}

function isGarbled(dataset: DicomDataset, keyword: string): boolean {
  return texts(dataset, keyword).some((value) => value.includes(REPLACEMENT));
}

/** What tells patients apart (PS3.3 C.7.1.1). */
const PATIENT = ['PatientID', 'IssuerOfPatientID', 'PatientBirthDate'] as const;

/**
 * Refuses images that do not belong together; returns warnings. Where UIDs are missing everywhere, that says
 * nothing here: `identityProblems` does.
 */
export function checkSeries(instances: readonly Instance[]): string[] {
  for (const keyword of ['StudyInstanceUID', 'SeriesInstanceUID']) {
    refuseDifferent(instances, keyword, ({ dataset }) => text(dataset, keyword) ?? '');
  }
  refuseDifferent(instances, 'Modality', ({ dataset }) => modalityOf(dataset) ?? '');
  refuseSeveralPatients(instances);
  refuseTwice(instances);
  const frameOfReference = refuseDifferent(
    instances,
    'FrameOfReferenceUID',
    ({ dataset }) => text(dataset, 'FrameOfReferenceUID') ?? '',
  );
  const warnings: string[] = [];
  if (frameOfReference === '')
    warnings.push('FrameOfReferenceUID is missing: other series cannot be laid over this one');
  if (instances.some(({ dataset }) => isGarbled(dataset, 'PatientName')))
    warnings.push('PatientName has characters that cannot be read in its SpecificCharacterSet');
  return warnings;
}

/** Warns where values may not be what they are taken for. */
export function valueWarnings(headers: readonly DicomDataset[]): string[] {
  const warnings: string[] = [];
  const isCt = headers.some((header) => modalityOf(header) === 'CT');
  const strange = new Set(
    headers.flatMap((header) => texts(header, 'RescaleType')).filter((unit) => unit !== 'HU'),
  );
  if (isCt && strange.size > 0) {
    warnings.push(`RescaleType is ${[...strange].join(', ')}: values may not be HU`);
  }
  const photometric = headers.map((header) => text(header, 'PhotometricInterpretation'));
  if (photometric.includes(undefined)) {
    warnings.push('PhotometricInterpretation is missing or empty: taken for MONOCHROME2');
  }
  if (photometric.includes('MONOCHROME1')) {
    const treated = isCt ? 'values are HU all the same' : 'values were inverted';
    warnings.push(`PhotometricInterpretation is MONOCHROME1: ${treated}`);
  }
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

/** A result carries one patient's name: slices of two under one series UID must never get that far. */
function refuseSeveralPatients(instances: readonly Instance[]): void {
  const [first] = instances;
  for (const keyword of PATIENT) {
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

function refuseTwice(instances: readonly Instance[]): void {
  const seen = new Map<string, string>();
  for (const { dataset, source } of instances) {
    const uid = text(dataset, 'SOPInstanceUID');
    if (uid === undefined) continue;
    const other = seen.get(uid);
    if (other !== undefined) {
      const what = `${other} and ${source} are the same instance: SOPInstanceUID ${uid}`;
      throw new DicomError('DICOM_GEOMETRY', what);
    }
    seen.set(uid, source);
  }
}
