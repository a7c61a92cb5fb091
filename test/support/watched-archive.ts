import type { StudySource } from '../../src/arrivals/watch/watch.ts';
import { DicomError } from '../../src/dicom/dicom-error.ts';
import type { DicomDataset } from '../../src/dicom/reading/dataset.ts';

export interface WatchedSeries {
  readonly uid: string;
  readonly modality?: string;
  count: number;
  readonly equipment?: object;
}

/** An archive in memory: what the DICOMweb client would give of it, and what it was asked. */
export class WatchedArchive implements StudySource {
  readonly studies = new Map<string, WatchedSeries[]>();
  readonly down = new Set<string>();
  /** Studies about which it says nothing at all, until it is no longer asked. */
  readonly silent = new Set<string>();
  /** Studies that its list does not name, as their StudyDate is too long ago. */
  readonly unlisted = new Set<string>();
  /** Series whose metadata was asked for. */
  readonly asked: string[] = [];
  /** Studies whose series were asked for. */
  readonly looked: string[] = [];
  allDown = false;
  /** Its list ends with a failure, behind the studies that it gives. */
  listsNotAll = false;
  /** Whether its list of studies has the numbers of series and instances. */
  counts = false;
  /** Called while the series of a study are asked for. */
  duringLook: (() => Promise<void>) | undefined;

  async *searchStudies(): AsyncIterable<DicomDataset> {
    this.#answer(this.allDown);
    for (const [uid, series] of this.studies) {
      if (this.unlisted.has(uid)) continue;
      const counted = {
        NumberOfStudyRelatedSeries: series.length,
        NumberOfStudyRelatedInstances: series.reduce((sum, { count }) => sum + count, 0),
      };
      yield { StudyInstanceUID: uid, ...(this.counts ? counted : {}) };
    }
    if (this.listsNotAll) throw new DicomError('DICOM_WEB_ANSWER', 'not all studies were given');
  }

  async searchSeries(study: string, signal?: AbortSignal): Promise<DicomDataset[]> {
    this.looked.push(study);
    if (this.silent.has(study)) {
      await new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
      });
    }
    this.#answer(this.down.has(study) || this.allDown);
    const found = (this.studies.get(study) ?? []).map(({ uid, modality = 'CT', count }) => ({
      SeriesInstanceUID: uid,
      Modality: modality,
      NumberOfSeriesRelatedInstances: count,
    }));
    await this.duringLook?.();
    return found;
  }

  async seriesMetadata(study: string, series: string): Promise<DicomDataset[]> {
    this.asked.push(series);
    const found = this.studies.get(study)?.find(({ uid }) => uid === series);
    return found ? [{ SeriesInstanceUID: series, ...found.equipment }] : [];
  }

  #answer(isDown: boolean): void {
    if (isDown) throw new DicomError('DICOM_WEB_UNREACHABLE', 'connection refused');
  }
}
