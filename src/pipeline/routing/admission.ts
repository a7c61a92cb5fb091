import type { DicomDataset } from '../../dicom/dataset.ts';
import type { AnnouncementSource } from '../watch/announcements.ts';

/** A complete study of which is asked whether it is to be processed. */
export interface StudyInQuestion {
  readonly studyInstanceUid: string;
  readonly source: AnnouncementSource;
  /** The series that the node did not write, as QIDO-RS lists them. */
  readonly series: readonly DicomDataset[];
  readonly now: Date;
}

/** What becomes of a study, and why in plain words. */
export type Admission =
  | { readonly action: 'process' }
  | { readonly action: 'ignore'; readonly reason: string }
  | { readonly action: 'later'; readonly until: Date; readonly reason: string };
