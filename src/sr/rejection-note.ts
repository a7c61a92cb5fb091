import { type DicomDataset, type Instance, readInstance, text } from '../dicom/reading/dataset.ts';
import { deriveUid } from '../dicom/uids.ts';
import { CODES } from '../results/codes.ts';
import { codingSchemes } from '../results/coding-schemes.ts';
import { equipment, type SiteIdentity } from '../results/device.ts';
import { MANUFACTURER, MANUFACTURER_MODEL_NAME } from '../results/own-results.ts';
import { patientAndStudy } from '../results/patient-and-study.ts';
import { datesOf, type ResultObject, seriesNumber, seriesUid } from '../results/result-context.ts';
import { isFormat3, type OfFormat, RESULT_FORMAT } from '../results/result-format.ts';
import { writeObject } from '../results/write-object.ts';
import {
  codeContent,
  compositeContent,
  container,
  imageContent,
  type LocatedInstance,
  related,
  textContent,
} from './content-item.ts';
import { hierarchy } from './evidence.ts';
import { dateTimeInUtc, readTime } from './observation-time.ts';
import { children, first, references } from './read-items.ts';
import { REJECTION_REASONS, type RejectionReason } from './rejection-reasons.ts';

const KEY_OBJECT_SELECTION_STORAGE = '1.2.840.10008.5.1.4.1.1.88.59';

/** An instance that is withdrawn. */
export interface RejectedInstance extends LocatedInstance {
  /** Whether it holds pixels: it is then referred to as an image. */
  readonly isImage: boolean;
}

export interface RejectionNoteInput extends OfFormat, SiteIdentity {
  /** The header of one of the instances: patient and study are taken from it. */
  readonly header: DicomDataset;
  /** All of one study, at least one. */
  readonly rejected: readonly RejectedInstance[];
  readonly reason: RejectionReason;
  /** In the operator's words. */
  readonly comment?: string | undefined;
  readonly contentDateTime: Date;
  readonly softwareVersion: string;
}

/** The UID of the note: the same instances, reason and words give the same note. */
export function rejectionNoteUid({
  rejected,
  reason,
  comment,
  format = RESULT_FORMAT,
}: Pick<RejectionNoteInput, 'rejected' | 'reason' | 'comment' | 'format'>): string {
  return deriveUid(
    'KO',
    reason,
    comment ?? '',
    ...rejected.map(({ sopInstanceUid }) => sopInstanceUid).sort(),
    ...(isFormat3({ format }) ? [] : [format]),
  );
}

/**
 * A rejection note (IHE Imaging Object Change Management): a Key Object Selection (PS3.3 A.35.4, TID 2010)
 * whose title is the reason; a rejection for quality says what kind of one (TID 2010 row 2, CID 7011): the
 * program's. Archives that know them hide what it names, or delete it; others just keep it.
 * Throws DICOM_ATTRIBUTE where the header has no study.
 */
export function createRejectionNote(input: RejectionNoteInput): ResultObject {
  const { header, rejected, reason, comment, contentDateTime, softwareVersion } = input;
  const copy = patientAndStudy(header, 'the withdrawn result');
  const sopInstanceUid = rejectionNoteUid(input);
  const seriesInstanceUid = seriesUid(sopInstanceUid);
  const title = REJECTION_REASONS[reason];
  const isOld = isFormat3(input);
  const dataset = {
    ...copy.attributes,
    SOPClassUID: KEY_OBJECT_SELECTION_STORAGE,
    SOPInstanceUID: sopInstanceUid,
    SeriesInstanceUID: seriesInstanceUid,
    Modality: 'KO',
    SeriesNumber: seriesNumber({}, 'KO'),
    SeriesDescription: 'Pancreas results withdrawn',
    ...datesOf({ contentDateTime, format: input.format }, header),
    ReferencedPerformedProcedureStepSequence: [],
    InstanceNumber: '1',
    Manufacturer: MANUFACTURER,
    ManufacturerModelName: MANUFACTURER_MODEL_NAME,
    ...(isOld ? {} : equipment(input)),
    SoftwareVersions: softwareVersion,
    ObservationDateTime: dateTimeInUtc(contentDateTime),
    CurrentRequestedProcedureEvidenceSequence: hierarchy(rejected),
    ...container(title, '2010', [
      ...(isOld || reason !== 'quality'
        ? []
        : [related('HAS CONCEPT MOD', codeContent(CODES.documentTitleModifier, CODES.softwareFailure))]),
      related('CONTAINS', textContent(CODES.keyObjectDescription, comment ?? title.meaning)),
      ...rejected.map((one) =>
        related('CONTAINS', one.isImage ? imageContent(undefined, one) : compositeContent(one)),
      ),
    ]),
  };
  return {
    bytes: writeObject(isOld ? dataset : { ...dataset, ...codingSchemes(dataset) }),
    sopClassUid: KEY_OBJECT_SELECTION_STORAGE,
    sopInstanceUid,
    seriesInstanceUid,
    warnings: copy.warnings,
  };
}

/** What a rejection note says, whoever wrote it. */
export interface RejectionNote {
  readonly sopInstanceUid: string;
  /** Code value of its title. */
  readonly reason: string;
  /** Undefined where it states no time. */
  readonly at: Date | undefined;
  /** SOP instance UIDs of what it withdraws. */
  readonly rejected: readonly string[];
  readonly comment: string | undefined;
}

/**
 * Reads a rejection note; undefined for any other object.
 * Throws DICOM_UNREADABLE for bytes that are not DICOM.
 */
export function readRejectionNote(
  note: Uint8Array | Pick<Instance, 'dataset'>,
  source = 'note',
): RejectionNote | undefined {
  const { dataset } = 'dataset' in note ? note : readInstance(note, source);
  if (text(dataset, 'SOPClassUID') !== KEY_OBJECT_SELECTION_STORAGE) return undefined;
  const reason = text(first(dataset, 'ConceptNameCodeSequence'), 'CodeValue') ?? '';
  if (!Object.values(REJECTION_REASONS).some(({ value }) => value === reason)) return undefined;
  return {
    sopInstanceUid: text(dataset, 'SOPInstanceUID') ?? '',
    reason,
    at: readTime(dataset),
    rejected: references(dataset, 'CurrentRequestedProcedureEvidenceSequence').map(
      ({ sopInstanceUid }) => sopInstanceUid,
    ),
    comment: children(dataset, CODES.keyObjectDescription).map((item) => text(item, 'TextValue'))[0],
  };
}
