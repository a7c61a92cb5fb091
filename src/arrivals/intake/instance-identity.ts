import { DicomError } from '../../dicom/dicom-error.ts';
import { type DicomDataset, text, texts } from '../../dicom/reading/dataset.ts';
import { readInstanceFile } from '../../dicom/reading/instance-file.ts';
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
  /** Without pixel data. */
  readonly dataset: DicomDataset;
  /** Bytes of the file. */
  readonly size: number;
}

/**
 * Reads which instance a file holds, and sees that it is complete. Every UID is checked to be one.
 * @throws IntakeError unreadable
 */
export async function identifyFile(path: string): Promise<IdentifiedFile> {
  const { dataset, meta, transferSyntaxUid, size } = await read(path);
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
    dataset,
    size,
  };
}

async function read(path: string): ReturnType<typeof readInstanceFile> {
  try {
    return await readInstanceFile(path, 'the instance');
  } catch (cause) {
    if (!(cause instanceof DicomError)) throw cause;
    throw new IntakeError('unreadable', cause.message, {}, { cause });
  }
}
