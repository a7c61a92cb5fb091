import { DicomError } from '../../dicom/dicom-error.ts';
import { isGone } from '../../dicom/gone.ts';
import type { ImageArchive } from '../../dicom/image-archive.ts';
import type { DicomDataset } from '../../dicom/reading/dataset.ts';
import { encapsulatedPdf } from '../../dicom/reading/encapsulated-pdf.ts';
import { readForeignInstance } from '../../dicom/reading/foreign-instances.ts';
import { referencedRequests } from '../../results/order.ts';
import type { Sql } from '../../store/database/sql.ts';
import type { Outgoing } from '../../store/exchange/outgoing.ts';
import { pdfOfReport } from '../../store/records/own-series.ts';
import { DeliveryError } from '../outbox/delivery-error.ts';

/** Where what a message says of the patient and the orders is read. */
export type ResultArchive = Pick<ImageArchive, 'retrieveInstance' | 'seriesMetadata'>;

/** What stands in the archive of a result. */
export interface StoredResult {
  /** Says who the patient is, and what orders the study answers: the report, or an image of its series. */
  readonly header: DicomDataset;
  /** Undefined where the archive has it no more, as some delete what was withdrawn. */
  readonly report: DicomDataset | undefined;
  /** The summary page, where one was stored with this report and is wanted. */
  readonly pdf: Uint8Array | undefined;
}

/**
 * Reads in the archive what a message is about, so that the database holds no patients for it.
 * @throws DeliveryError `later` where the archive does not answer, `refused` where it has nothing of the
 * study
 */
export async function storedResult(
  { studyInstanceUid, report, volume }: Outgoing,
  { archive, database, pdf: wantsPdf }: { archive: ResultArchive; database: Sql; pdf: boolean },
  signal: AbortSignal,
): Promise<StoredResult> {
  const { seriesInstanceUid } = (volume.correction ?? volume).report;
  const stored = await unlessGone(async () => {
    const bytes = await archive.retrieveInstance(studyInstanceUid, seriesInstanceUid, report, signal);
    return (await readForeignInstance(bytes, `report ${report}`)).dataset;
  });
  if (stored) {
    const pdf = wantsPdf ? await pdfOf(studyInstanceUid, report, { archive, database }, signal) : undefined;
    return { header: stored, report: stored, pdf };
  }
  const images = await unlessGone(() =>
    archive.seriesMetadata(studyInstanceUid, volume.seriesInstanceUid, signal),
  );
  const [image] = images ?? [];
  if (!image) {
    throw new DeliveryError(
      'refused',
      'the archive has neither the report nor the images any more, so that nobody knows whose result it is',
    );
  }
  return {
    header: { ...image, ...referencedRequests(image, studyInstanceUid) },
    report: undefined,
    pdf: undefined,
  };
}

async function pdfOf(
  studyInstanceUid: string,
  report: string,
  { archive, database }: { archive: ResultArchive; database: Sql },
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const series = await pdfOfReport(database, studyInstanceUid, report);
  if (!series) return undefined;
  const { seriesInstanceUid, sopInstanceUid } = series;
  return unlessGone(async () => {
    const bytes = await archive.retrieveInstance(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal);
    return encapsulatedPdf(bytes);
  });
}

/** Undefined where the archive says that it has none, or not a readable one; any other trouble may pass. */
async function unlessGone<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isGone(error)) return undefined;
    if (!(error instanceof DicomError)) throw error;
    if (error.code === 'DICOM_UNREADABLE') return undefined;
    throw new DeliveryError('later', error.message, { cause: error });
  }
}
