import { DicomError } from '../../dicom/dicom-error.ts';
import { type DicomDataset, text, texts } from '../../dicom/reading/dataset.ts';
import { readForeignFile } from '../../dicom/reading/foreign-instances.ts';
import type { InstanceFile } from '../../dicom/reading/instance-file.ts';
import { isUid } from '../../dicom/uids.ts';
import { IntakeError } from './intake-error.ts';

export interface InstanceIdentity {
  readonly studyUid: string;
  readonly seriesUid: string;
  readonly sopUid: string;
  readonly sopClassUid: string;
  readonly transferSyntaxUid: string;
}

export interface IdentifiedFile {
  readonly identity: InstanceIdentity;
  /** SourceApplicationEntityTitle of the file meta information, if it has one. */
  readonly sourceAeTitle: string | undefined;
  /** Bytes of the file. */
  readonly size: number;
  /** The patient's attributes, where they were asked for, and what was needed beside. */
  readonly dataset: DicomDataset;
}

/** What has to be known of an instance: who it is, and how large its pixels are. */
const NEEDED = [
  '00080016', // SOPClassUID
  '00080018', // SOPInstanceUID
  '0020000D', // StudyInstanceUID
  '0020000E', // SeriesInstanceUID
  '00280002', // SamplesPerPixel
  '00280008', // NumberOfFrames
  '00280010', // Rows
  '00280011', // Columns
  '00280100', // BitsAllocated
] as const;

/** Whose instance it is. */
export const PATIENT_TAGS = [
  '00080005', // SpecificCharacterSet
  '00100010', // PatientName
  '00100020', // PatientID
  '00100021', // IssuerOfPatientID
  '00100030', // PatientBirthDate
  '00100040', // PatientSex
] as const;

/**
 * Reads which instance a file holds, and sees that it is complete. Every UID is checked to be one. The file
 * is a stranger's: it is read in a worker thread with a time limit, and nothing else of it is kept.
 * @param also tags whose values are taken too
 * @throws IntakeError unreadable
 */
export async function identifyFile(path: string, also: readonly string[] = []): Promise<IdentifiedFile> {
  const { dataset, meta, transferSyntaxUid, size } = await read(path, [...NEEDED, ...also]);
  const uid = (keyword: string) => {
    const [value, ...more] = texts(dataset, keyword);
    return value !== undefined && more.length === 0 && isUid(value) ? value : undefined;
  };
  const [studyUid, seriesUid] = [uid('StudyInstanceUID'), uid('SeriesInstanceUID')];
  const [sopUid, sopClassUid] = [uid('SOPInstanceUID'), uid('SOPClassUID')];
  if (!studyUid || !seriesUid || !sopUid || !sopClassUid || !isUid(transferSyntaxUid)) {
    const what = 'study, series, SOP instance, SOP class or transfer syntax UID is missing or no UID';
    throw new IntakeError('unreadable', what, { sopUid, sopClassUid });
  }
  return {
    identity: { studyUid, seriesUid, sopUid, sopClassUid, transferSyntaxUid },
    sourceAeTitle: text(meta, 'SourceApplicationEntityTitle'),
    size,
    dataset,
  };
}

async function read(path: string, only: readonly string[]): Promise<InstanceFile> {
  try {
    return await readForeignFile(path, 'the instance', only);
  } catch (cause) {
    if (!(cause instanceof DicomError)) throw cause;
    throw new IntakeError('unreadable', cause.message, {}, { cause });
  }
}
