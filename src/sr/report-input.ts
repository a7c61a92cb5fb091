import type { ApartReason } from '../results/apart-reason.ts';
import type { IntervalBasis } from '../results/interval-method.ts';
import type { QualityFlag } from '../results/quality-flags.ts';
import type { ResultContext } from '../results/result-context.ts';
import type { ReportForm } from './report-form.ts';

/** Where a report lies in an archive. */
export interface ReportReference {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
  /** Left out: Comprehensive SR. */
  readonly sopClassUid?: string | undefined;
}

/** The volume that an earlier study of the patient gave. */
export interface PriorVolume {
  /** Study Date as DA, YYYYMMDD. */
  readonly date: string;
  readonly volumeMl: number;
  readonly report: ReportReference;
  /**
   * Whether the change since may be stated: the same modality and the same model. Others are shown, not
   * compared.
   */
  readonly comparable: boolean;
  /** Whether a reader corrected it. */
  readonly corrected?: boolean | undefined;
}

export interface ReportMeasurement {
  readonly volumeMl: number;
  readonly voxelCount: number;
  /**
   * What the true volume may be; undefined where no probability is known. Without a basis: from the volume of
   * the clear voxels to that with the doubtful ones.
   */
  readonly volumeIntervalMl:
    | { readonly low: number; readonly high: number; readonly basis?: IntervalBasis | undefined }
    | undefined;
  /** Of the source's values inside the mask; HU for CT. */
  readonly meanIntensity: number;
  readonly sdIntensity: number;
}

/** A SEG that a reader stored in place of the node's. */
export interface ReaderSegmentation {
  /** Of the pancreas, in that SEG. */
  readonly segmentNumber: number;
  readonly seriesInstanceUid: string;
  /** Who made it (PN), where the SEG says so. */
  readonly reader?: string | undefined;
}

export interface SegmentationReference {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly seriesInstanceUid: string;
}

export interface ReportInput {
  readonly context: ResultContext;
  /** The SEG and what was measured in it; undefined where nothing was found. */
  readonly found:
    | {
        readonly segmentation: SegmentationReference;
        readonly measurement: ReportMeasurement;
      }
    | undefined;
  /** The same segmentation in other forms. */
  readonly otherSegmentations?: readonly SegmentationReference[] | undefined;
  /** What the site chose; left out: the default of each. Format 3 knew no choice. */
  readonly form?: Partial<ReportForm> | undefined;
  /** Whether the pancreas is outlined on the images too, where anything was found. */
  readonly outlines: boolean;
  readonly flags: readonly QualityFlag[];
  /** Set where `found` is not the node's segmentation but a reader's: the report then names no algorithm. */
  readonly correction?: ReaderSegmentation | undefined;
  /** Of studies before this one, in any order. */
  readonly priors: readonly PriorVolume[];
  /** Why nothing, or not everything under the PatientID, is compared with; left out where nothing is left. */
  readonly apart?: ApartReason | undefined;
  /** Why this series, where its headers did not decide, and what else was tried; sentences. */
  readonly remarks?: readonly string[] | undefined;
  /**
   * By how many percent two measurements of an unchanged pancreas differ at most in 95 of 100 cases, as the
   * site states it for these images (Bland and Altman's repeatability coefficient). Without it no change is
   * judged.
   */
  readonly repeatabilityPercent?: number | undefined;
  /** The report of the same work that this one takes the place of. */
  readonly supersedes?: ReportReference;
}
