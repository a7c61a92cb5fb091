import type { ImageArchive } from '../../dicom/image-archive.ts';
import { type DicomDataset, requiredText, text, texts } from '../../dicom/reading/dataset.ts';
import { readForeignInstance } from '../../dicom/reading/foreign-instances.ts';
import { isOwnResult } from '../../results/own-results.ts';
import { readReport, type VolumeReport } from '../../sr/read-report.ts';
import { type RejectionNote, readRejectionNote } from '../../sr/rejection-note.ts';

export type ReportArchive = Pick<
  ImageArchive,
  'searchStudies' | 'searchSeries' | 'seriesMetadata' | 'retrieveSeries'
>;

/** The objects in an archive from which the volume history is rebuilt. */
export interface CollectedReports {
  readonly studies: number;
  readonly reports: readonly VolumeReport[];
  /** Of whatever writer: an archive may have made one itself. */
  readonly notes: readonly RejectionNote[];
}

export interface CollectOptions {
  readonly pageSize: number;
  readonly now: Date;
  readonly signal?: AbortSignal | undefined;
  /** How many studies were looked at so far. */
  readonly onStudy?: (studies: number) => void;
  /** Told of the header of each report: it repeats patient and study of the images. */
  readonly onHeader?: (studyInstanceUid: string, header: DicomDataset) => Promise<void>;
  /** Told of an object that says it is ours, but cannot be read. */
  readonly onUnreadable: (place: string, error: unknown) => void;
}

/**
 * Reads every report of the node, and of others of its kind, and every rejection note from an archive. Only
 * the headers of report series are fetched to see whose they are.
 * @throws DicomError where the archive does not answer: half a history is none
 */
export async function collectReports(
  archive: ReportArchive,
  { pageSize, now, signal, onStudy, onHeader, onUnreadable }: CollectOptions,
): Promise<CollectedReports> {
  const reports: VolumeReport[] = [];
  const notes: RejectionNote[] = [];
  let studies = 0;
  const query = { lookBack: 'all', now, pageSize, ...(signal ? { signal } : {}) } as const;
  for await (const study of archive.searchStudies(query)) {
    signal?.throwIfAborted();
    studies += 1;
    onStudy?.(studies);
    if (!mayHoldReports(study)) continue;
    const studyInstanceUid = requiredText(study, 'StudyInstanceUID', 'a study that the archive lists');
    for (const series of await archive.searchSeries(studyInstanceUid, signal)) {
      const modality = text(series, 'Modality') ?? 'SR';
      if (!READ_MODALITIES.has(modality)) continue;
      const place = `a series of study ${studyInstanceUid}`;
      const seriesInstanceUid = requiredText(series, 'SeriesInstanceUID', place);
      if (modality !== 'KO') {
        const [header] = await archive.seriesMetadata(studyInstanceUid, seriesInstanceUid, signal);
        if (!header || !isOwnResult(header)) continue;
        await onHeader?.(studyInstanceUid, header);
      }
      for await (const bytes of archive.retrieveSeries(studyInstanceUid, seriesInstanceUid, signal)) {
        try {
          const instance = await readForeignInstance(bytes, 'report');
          const report = readReport(instance);
          if (report) reports.push(report);
          const note = readRejectionNote(instance);
          if (note) notes.push(note);
        } catch (error) {
          onUnreadable(`series ${seriesInstanceUid} of study ${studyInstanceUid}`, error);
        }
      }
    }
  }
  return { studies, reports, notes };
}

/** An archive that lists no modalities may hold anything. */
function mayHoldReports(study: DicomDataset): boolean {
  const modalities = texts(study, 'ModalitiesInStudy');
  return modalities.length === 0 || modalities.includes('SR');
}

/** Reports, and key object selections, which rejection notes are. */
const READ_MODALITIES: ReadonlySet<string> = new Set(['SR', 'KO']);
