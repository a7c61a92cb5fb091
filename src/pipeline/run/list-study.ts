import { DicomError } from '../../dicom/dicom-error.ts';
import type { ImageArchive } from '../../dicom/image-archive.ts';
import { type DicomDataset, text } from '../../dicom/reading/dataset.ts';
import { isOwnResult } from '../../results/own-results.ts';
import type { Database } from '../../store/database/sql.ts';
import { fingerprintOf, foreignSeries } from '../../store/records/own-series.ts';
import { typicalImage } from '../../store/records/study-header.ts';
import { type NamedPatient, namedPatient } from '../../store/records/study-identity.ts';
import { describeSeries } from '../selection/describe-series.ts';
import type { CandidateSeries } from '../selection/select.ts';

export interface ListedStudy {
  /** Every series that the node did not write. */
  readonly candidates: readonly CandidateSeries[];
  /** Series of SEGs among them: a reader's correction may be there. */
  readonly segmentations: readonly string[];
  /** Everybody whom an image names as its patient: one, unless images are mixed up. */
  readonly patients: readonly NamedPatient[];
  /**
   * Of the image that says most reliably whose study it is and what made it; undefined where no series has
   * images.
   */
  readonly header: DicomDataset | undefined;
  /** Stands for these series and their instance counts. */
  readonly fingerprint: string;
}

/**
 * The series of a study that may be input, each with what selection needs to know. Nothing that the node
 * wrote is among them.
 * @throws DicomError DICOM_WEB_ANSWER where the archive has no such study
 */
export async function listStudy(
  studyInstanceUid: string,
  { archive, database }: { archive: ImageArchive; database: Database },
  signal?: AbortSignal,
): Promise<ListedStudy> {
  const series: DicomDataset[] = await archive.searchSeries(studyInstanceUid, signal);
  if (series.length === 0) {
    throw new DicomError('DICOM_WEB_ANSWER', `the archive has no series of study ${studyInstanceUid}`);
  }
  const seriesMetadata = (study: string, one: string) => archive.seriesMetadata(study, one, signal);
  const foreign = await foreignSeries({ database, seriesMetadata, isOwnResult }, studyInstanceUid, series);
  const headers: DicomDataset[] = [];
  const patients = new Map<string, NamedPatient>();
  const rememberPatient = (image: DicomDataset): void => {
    const patient = namedPatient(image);
    patients.set(JSON.stringify(patient), patient);
  };
  const source: Parameters<typeof describeSeries>[0] = {
    seriesMetadata: async (study, uid, abort) => {
      const images = await archive.seriesMetadata(study, uid, abort);
      headers.push(...images.slice(0, 1));
      for (const image of images) rememberPatient(image);
      return images;
    },
    storedInstances: (study, uid, abort) => archive.storedInstances(study, uid, abort),
    instanceMetadata: async (study, uid, sop, abort) => {
      const image = await archive.instanceMetadata(study, uid, sop, abort);
      rememberPatient(image);
      return image;
    },
  };
  return {
    candidates: await describeSeries(source, studyInstanceUid, foreign, signal),
    patients: [...patients.values()],
    header: typicalImage(headers),
    segmentations: foreign
      .filter((one) => text(one, 'Modality') === 'SEG')
      .flatMap((one) => text(one, 'SeriesInstanceUID') ?? []),
    fingerprint: fingerprintOf(foreign),
  };
}
