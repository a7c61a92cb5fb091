import type { Mode } from '../inference-mode.ts';
import type { ResultSettings } from '../pipeline/run/run-parts.ts';
import type { ProgressListener } from '../pipeline/run/stages.ts';
import type { SelectionRules } from '../pipeline/selection/rules.ts';
import type { Model } from '../segmentation/model/model-folder.ts';
import type { InferenceOptions } from '../segmentation/segment.ts';

export interface SegmentRequest {
  /** A folder of DICOM files, a zip file of them, a DICOMDIR, one DICOM file, or a NIfTI file. */
  readonly input: string;
  readonly output: string;
  readonly model: Model;
  /** Asked for only where a folder has several series. */
  readonly rules: () => SelectionRules;
  readonly settings: ResultSettings;
  /** How many series may be looked at with a quick pass; see `rivalsOf`. */
  readonly looks: number;
  /** The DICOM series to take, where there are several and the rules should not choose. */
  readonly seriesInstanceUid?: string | undefined;
  /** `saveProbability`: whether to write the pancreas's probability in every voxel too. */
  readonly inference: InferenceOptions & {
    readonly mode: Mode;
    readonly saveProbability?: boolean | undefined;
  };
  readonly now: Date;
  readonly onProgress?: ProgressListener;
}
